import { parseSync, Visitor } from "oxc-parser";

/** `url` is `new URL("./file.ts", import.meta.url)`: how a worker or a child process is reached. */
export type ImportKind = "value" | "type" | "dynamic" | "re-export" | "url";

export interface ModuleImport {
  readonly kind: ImportKind;
  readonly specifier: string;
}

export interface ModuleFacts {
  readonly imports: readonly ModuleImport[];
  readonly exportsDefault: boolean;
  /** Names that are exported here and made elsewhere. */
  readonly reExports: boolean;
  readonly readsEnvironment: boolean;
}

type Node = { readonly type: string };

/** What a file of `src` depends on, in every form the language has for it. Throws for source that does not parse. */
export function readModule(path: string, source: string): ModuleFacts {
  const { program, errors } = parseSync(path, source);
  if (errors[0]) throw new SyntaxError(`${path}: ${errors[0].message}`);
  const imports: ModuleImport[] = [];
  const importedNames = new Set<string>();
  const facts = { exportsDefault: false, reExports: false, readsEnvironment: false };
  const add = (kind: ImportKind, node: Node | null): void => void imports.push({ kind, specifier: literalOf(node) });

  new Visitor({
    ImportDeclaration(node) {
      const erased =
        node.importKind === "type" || (node.specifiers.length > 0 && node.specifiers.every(isTypeSpecifier));
      add(erased ? "type" : "value", node.source);
      for (const { local } of node.specifiers) importedNames.add(local.name);
      if (/^(?:node:)?process$/.test(node.source.value)) facts.readsEnvironment = true;
    },
    ExportAllDeclaration(node) {
      add("re-export", node.source);
      facts.reExports = true;
    },
    ExportNamedDeclaration(node) {
      if (node.source) add("re-export", node.source);
      const passesOn = node.specifiers.some(
        ({ local }) => local.type === "Identifier" && importedNames.has(local.name),
      );
      if (node.source || passesOn) facts.reExports = true;
      if (node.specifiers.some(({ exported }) => nameOf(exported) === "default")) facts.exportsDefault = true;
    },
    ExportDefaultDeclaration() {
      facts.exportsDefault = true;
    },
    ImportExpression: ({ source: specifier }) => add("dynamic", specifier),
    TSImportType: ({ source: specifier }) => add("type", specifier),
    TSImportEqualsDeclaration({ moduleReference }) {
      if (moduleReference.type === "TSExternalModuleReference") add("value", moduleReference.expression);
    },
    CallExpression({ callee, arguments: [first] }) {
      const isRequire = callee.type === "Identifier" && callee.name === "require";
      const isResolve = callee.type === "MemberExpression" && nameOf(callee.property) === "require";
      if (first && (isRequire || isResolve)) add("dynamic", first);
    },
    NewExpression({ callee, arguments: [first, base] }) {
      if (callee.type !== "Identifier" || callee.name !== "URL" || base?.type !== "MemberExpression") return;
      if (first && nameOf(base.property) === "url" && base.object.type === "MetaProperty") add("url", first);
    },
    MemberExpression({ object, property }) {
      const onProcess =
        nameOf(object) === "process" || (object.type === "MemberExpression" && nameOf(object.property) === "process");
      if ((onProcess || object.type === "MetaProperty") && nameOf(property) === "env") facts.readsEnvironment = true;
    },
    VariableDeclarator({ id, init }) {
      if (id.type !== "ObjectPattern" || !init || nameOf(init) !== "process") return;
      const taken = id.properties.map((property) => (property.type === "Property" ? nameOf(property.key) : "env"));
      if (taken.includes("env")) facts.readsEnvironment = true;
    },
  }).visit(program);
  return { imports, ...facts };
}

const isTypeSpecifier = (specifier: { type: string; importKind?: string }): boolean => specifier.importKind === "type";

/** An import that is put together at run time cannot be judged, so it matches no row. */
function literalOf(node: Node | null): string {
  if (!node) return "";
  if (node.type === "TSLiteralType" && "literal" in node) return literalOf(node.literal as Node);
  return node.type === "Literal" && "value" in node ? String(node.value) : "(computed)";
}

function nameOf(node: Node): string | undefined {
  if (node.type === "Identifier" && "name" in node) return String(node.name);
  return node.type === "Literal" && "value" in node ? String(node.value) : undefined;
}
