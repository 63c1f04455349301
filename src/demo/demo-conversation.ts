/** One step of the demo's conversation: what the user says, what the simulated model answers, what a tool returns. */
export interface DemoTurn {
  readonly user: string;
  readonly reply: string;
  /** Result of the tool the model calls first. */
  readonly toolResult: string | undefined;
  readonly stream: boolean;
}

export const plantedEmail = "maria.lindqvist@example.com";

export const demoSystem =
  "You are the service desk of Northwind Cycles, a workshop that repairs and rents bicycles. Answer briefly, name order numbers, prices and dates exactly, and look orders up before you speak about them. ".repeat(
    3,
  );

export const demoTools = [
  {
    type: "function" as const,
    function: {
      name: "lookup_order",
      description: "Finds an order of the workshop by its number, with its parts, prices and state.",
      parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
    },
  },
];

const parts = [
  "bottom bracket",
  "rear derailleur",
  "brake pads",
  "wheel rim",
  "headset",
  "chainring",
  "freehub body",
  "saddle post",
];
const states = ["waiting for parts", "in the stand", "ready for a test ride", "ready to be collected"];
const places = ["the harbour shop", "the station shop", "the old mill", "the market hall"];
const pick = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;

/** The same forty turns each time: every fourth looks an order up, every second streams. */
export function demoConversation(turns: number): DemoTurn[] {
  return Array.from({ length: turns }, (_, index) => demoTurn(index));
}

function demoTurn(index: number): DemoTurn {
  const looksUp = index % 4 === 2;
  const order = `NC-${4100 + index * 7}`;
  const part = pick(parts, index);
  const contact = index === 2 ? ` You can reach me at ${plantedEmail}.` : "";
  const user =
    `About order ${order}: the ${part} made noise again on my way to ${pick(places, index)}, ` +
    `about ${3 + index} kilometres after your last adjustment. What do you suggest, and when could it be done?${contact}` +
    (looksUp ? " [[tool:lookup_order]]" : "");
  return {
    user,
    reply: demoReply(index, { order, part }),
    toolResult: looksUp ? orderRecord(order, index) : undefined,
    stream: index % 2 === 1,
  };
}

function demoReply(index: number, { order, part }: { order: string; part: string }): string {
  const price = (18 + index * 3.4).toFixed(2);
  return (
    `For order ${order} I would replace the ${part} rather than adjust it a third time: the bearing surface is worn, and ` +
    `another adjustment lasts a week at best. The part costs ${price} euros and fitting it takes ${20 + (index % 5) * 10} minutes. ` +
    `We can do it on ${3 + (index % 25)} June at ${pick(places, index + 1)}; the order is ${pick(states, index)}. ` +
    `Please bring the bicycle before ten in the morning, leave the lights on the frame, and tell the colleague at the desk ` +
    `that the work was agreed here. If the noise changes to a grinding sound before then, do not ride it: call us and we collect it.`
  );
}

/** The kind of result that fills an agent's history: long, structured, needed once. */
function orderRecord(order: string, index: number): string {
  const lines = Array.from({ length: 12 }, (_, line) => ({
    position: line + 1,
    part: pick(parts, index + line),
    article: `A-${10_000 + index * 97 + line * 13}`,
    quantity: 1 + (line % 3),
    unit_price_eur: Number((4.2 + line * 2.35 + index * 0.1).toFixed(2)),
    state: pick(states, index + line),
  }));
  return JSON.stringify({ order, shop: pick(places, index), opened: "2026-05-11", lines });
}
