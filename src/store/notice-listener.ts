/**
 * Hears what replicas tell each other. A notice is a kind and, behind one space, what it is about: `erased <owner>`,
 * `key <id>`, `relinked`. Own ones are heard too.
 */
export interface NoticeListener {
  /** `heard` is given what stands behind the kind, "" where nothing does. */
  on(kind: string, heard: (subject: string) => void): void;
  /** Notices may have been lost in an outage: whoever goes by them must read anew what they would have told. */
  onMissed(heard: () => void): void;
}
