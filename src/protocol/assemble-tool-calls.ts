import { createFieldAssembler, type FieldAssembler } from "./assemble-fields.ts";
import { type JsonObject, isJsonObject } from "./json-object.ts";

export interface ToolCallAssembler {
  /** Takes the `tool_calls` of one delta: pieces of parallel calls, interleaved by `index`. */
  add(deltas: readonly unknown[]): void;
  /** The calls so far, by index. */
  calls(): readonly JsonObject[];
}

/** Id, type and name come once, the text of arguments (or a custom tool's input) in pieces. */
export function createToolCallAssembler(): ToolCallAssembler {
  const open: OpenCall[] = [];
  const byIndex = new Map<number, OpenCall>();

  const start = (index: number): OpenCall => {
    const call: OpenCall = { index, fields: createFieldAssembler(), called: new Map() };
    open.push(call);
    byIndex.set(index, call);
    return call;
  };
  const callOf = (delta: JsonObject): OpenCall => {
    const index = typeof delta["index"] === "number" ? delta["index"] : impliedIndex(open, delta["id"]);
    const call = byIndex.get(index);
    // Gemini gives every parallel call the index 0.
    return call === undefined || isAnother(call, delta["id"]) ? start(index) : call;
  };

  return {
    add(deltas) {
      for (const delta of deltas.filter(isJsonObject)) mergeCall(callOf(delta), delta);
    },
    calls: () => open.toSorted((one, other) => one.index - other.index).map(closeCall),
  };
}

interface OpenCall {
  readonly index: number;
  readonly fields: FieldAssembler;
  /** `function` or `custom`: what is called, and with what. */
  readonly called: Map<string, FieldAssembler>;
}

function mergeCall(call: OpenCall, { index: _index, function: called, custom, ...fields }: JsonObject): void {
  mergeCalled(call, "function", called);
  mergeCalled(call, "custom", custom);
  call.fields.add(fields);
}

function mergeCalled(call: OpenCall, kind: string, piece: unknown): void {
  if (!isJsonObject(piece)) return;
  const assembler = call.called.get(kind) ?? createFieldAssembler("arguments", "input");
  call.called.set(kind, assembler);
  assembler.add(piece);
}

function closeCall({ fields, called }: OpenCall): JsonObject {
  return {
    ...fields.fields(),
    ...Object.fromEntries([...called].map(([kind, assembler]) => [kind, assembler.fields()])),
  };
}

function impliedIndex(open: readonly OpenCall[], id: unknown): number {
  const known = open.findLast((call) => typeof id !== "string" || id === "" || call.fields.get("id") === id);
  return known?.index ?? open.length;
}

function isAnother(call: OpenCall, id: unknown): boolean {
  const known = call.fields.get("id");
  return typeof id === "string" && id !== "" && known !== undefined && known !== id;
}
