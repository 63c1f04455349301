/** Whether two revisions (`<incarnation>.<number>`) speak of one life of a session. */
export function isSameIncarnation(left: string, right: string): boolean {
  return incarnationOf(left) === incarnationOf(right);
}

function incarnationOf(revision: string): string {
  const dot = revision.indexOf(".");
  return dot === -1 ? revision : revision.slice(0, dot);
}
