import { posix } from "node:path";

import { contractPlace, contracts, doors, environmentReaders, places } from "./layer-table.ts";
import { type ModuleFacts, type ModuleImport, readModule } from "./read-module.ts";

/** Source text by path below `src/`. */
export type Sources = ReadonlyMap<string, string>;

/** Every breach of the table, one sentence each; empty when the house is in order. */
export function checkLayers(sources: Sources): string[] {
  const modules = new Map([...sources].map(([path, source]) => [path, readModule(path, source)]));
  const breaches = [...modules].flatMap(([path, facts]) => [
    ...checkPlace(path),
    ...facts.imports.flatMap((imported) => checkImport(path, imported, sources)),
    ...checkHabits(path, facts),
  ]);
  return [...breaches, ...findCycles(modules)];
}

const checkPlace = (path: string): string[] => (placeOf(path) in places ? [] : [`${path} is in no place of the table`]);

/** The row of a file: its own, if it has one, else its folder's. */
const placeOf = (path: string): string => (path in places ? path : folderOf(path));

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? path : `${folder}/`;
}

function checkImport(from: string, { kind, specifier }: ModuleImport, sources: Sources): string[] {
  const breach = `${from} may not import ${specifier} (${kind})`;
  if (!specifier.startsWith(".")) return mayUsePackage(from, specifier) ? [] : [breach];
  const target = posix.join(posix.dirname(from), specifier);
  if (kind === "url" && !specifier.endsWith(".ts")) return [];
  if (!sources.has(target)) return [`${breach}: there is no such file in src`];
  return mayReach(from, target) ? [] : [`${breach}: ${rowOf(from)?.because ?? "no row"}`];
}

function mayUsePackage(from: string, specifier: string): boolean {
  const name = specifier.startsWith("node:") ? specifier : packageOf(specifier);
  return doors[name]?.includes(placeOf(from)) ?? specifier.startsWith("node:");
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const rowOf = (path: string) => (contracts.includes(path) ? contractPlace : places[placeOf(path)]);

function mayReach(from: string, target: string): boolean {
  const allowed = rowOf(from)?.mayImport ?? [];
  const isAtHome = !contracts.includes(from) && placeOf(target) === folderOf(from);
  return isAtHome || allowed.includes(target) || allowed.includes(placeOf(target));
}

function checkHabits(path: string, { exportsDefault, reExports, readsEnvironment }: ModuleFacts): string[] {
  const breaches: string[] = [];
  if (exportsDefault) breaches.push(`${path} has a default export`);
  if (reExports) breaches.push(`${path} exports what another file made`);
  if (readsEnvironment && !environmentReaders.includes(placeOf(path))) breaches.push(`${path} reads the environment`);
  return breaches;
}

/** Cycles of what is loaded; types are erased and may point both ways. */
function findCycles(modules: ReadonlyMap<string, ModuleFacts>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) cycles.push(`cycle: ${[...trail.slice(seenAt), path].join(" -> ")}`);
    if (seenAt >= 0 || done.has(path)) return;
    const loaded = modules
      .get(path)
      ?.imports.filter(({ kind, specifier }) => isLoaded(kind) && specifier.startsWith("."));
    for (const { specifier } of loaded ?? []) visit(posix.join(posix.dirname(path), specifier), [...trail, path]);
    done.add(path);
  };
  for (const path of modules.keys()) visit(path, []);
  return cycles;
}

const isLoaded = (kind: ModuleImport["kind"]): boolean => kind !== "type" && kind !== "url";
