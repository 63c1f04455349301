/**
 * What a text asks of the answer to it; several may be given.
 *
 *   [[len:N]] N words              [[echo]] the messages received, as JSON   [[tool:NAME]] a tool call; several run in parallel
 *   [[refuse]] a refusal           [[reason]] with reasoning                 [[finish:WHY]] another finish reason
 *   [[delay:MS]] before the head   [[slow:MS]] before each chunk             [[usage:none]] bills nothing
 *   [[error:STATUS]] OpenAI-shaped [[html]] a proxy's 502                    [[garbage]] a body that is not JSON, a frame that is not
 *   [[hang]] never answers         [[stall:N]] silent after N chunks         [[drop]] closes before the head
 *   [[cut:N]] closes after N       [[reset:N]] the same with a TCP RST       [[fail:N]] an error event after N chunks
 *   [[split]] bytes at odd places  [[chunked1]] single bytes                 [[crlf]] [[cr]] [[bom]] other framing
 *   [[heartbeat]] comments between [[nodone]] [[donetwice]]                  [[azure]] an empty first chunk
 *   [[shred]] pieces of 3 letters  [[quote]] tool calls that quote the last user message in their arguments
 */
export interface Directives {
  has(name: string): boolean;
  all(name: string): readonly string[];
  number(name: string): number | undefined;
}

export function readDirectives(text: string): Directives {
  const found = [...text.matchAll(/\[\[(\w+)(?::([^\]]*))?\]\]/g)];
  const all = (name: string): string[] => found.filter((match) => match[1] === name).map((match) => match[2] ?? "");
  return {
    has: (name) => all(name).length > 0,
    all,
    number: (name) => all(name).map(Number)[0],
  };
}
