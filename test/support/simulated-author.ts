import type { ClientScript, ScriptedAnswer } from "./client-script.ts";
import type { Said, SaidCall } from "./reference-conversation.ts";

export const said = (role: Said["role"], text: string, more: Partial<Said> = {}): Said => ({
  role,
  text,
  calls: [],
  callId: "",
  ...more,
});

export type Author = ReturnType<typeof createAuthor>;

/** Writes what is said, by people and by the model. */
export function createAuthor(words: ClientScript["words"]) {
  let count = 0;
  const fewTexts = ["hi", "go on", "mail ada@example.com\nplease"];
  const text = (pick: number, unique: string): string => {
    count += 1;
    if (words === "few") return fewTexts[pick % fewTexts.length] ?? "";
    return count % 3 === 0 ? `${unique} ${count}\nfor ada@example.com` : `${unique} ${count}`;
  };
  const call = (at: number): SaidCall => ({
    id: words === "few" ? `call_${at}` : `call_${(count += 1)}`,
    name: "look_up",
    input: { b: "2", a: `${at}` },
  });
  const reply = (at: number): string => (words === "few" ? (["ok", "no"][at % 2] ?? "") : text(0, "answer"));
  return {
    question: (pick: number): Said => said("user", text(pick, "question")),
    exchange: (): Said[] => [said("user", text(0, "earlier")), said("assistant", text(1, "answered"))],
    summary: (): Said => said("user", text(0, "summary of all that")),
    altered: (answer: Said, pick: number): Said => said("assistant", text(pick, `altered ${answer.text}`)),
    results: (answer: Said): Said[] => answer.calls.map(({ id }) => said("tool", text(0, "result"), { callId: id })),
    answers: ({ choices, calls, ending }: ScriptedAnswer): Said[] =>
      Array.from({ length: ending === "nothing" ? 0 : choices }, (_, at) => {
        const made = Array.from({ length: ending === "complete" ? calls : 0 }, (_, nth) => call(nth));
        return said("assistant", made.length > 0 && at === 0 ? "" : reply(at), { calls: made });
      }),
  };
}
