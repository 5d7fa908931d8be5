/**
 * The rules of the house (DESIGN section 4), read off the sources. Each rule is a function from files to
 * violations; the last tests feed it files that break it, so that a rule that sees nothing is noticed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

interface SourceFile {
  /** From `src/` on: `"session/session.ts"`. */
  readonly path: string;
  readonly text: string;
}

/** Folders and files by rank: imports run only to lower ranks, or within a folder. */
const ranks: readonly (readonly string[])[] = [
  ["errors.ts", "messages", "contract"],
  ["channels", "spi.ts", "ipc"],
  ["marshaling", "session", "ipc.ts", "call-context.ts"],
  ["formatters", "sinks", "transports", "mailslot"],
  ["proxies", "activation", "lifetime"],
  ["hosting"],
  ["index.ts"],
];

/** What may be kept in a module, and why. Everything else is a domain's. */
const allowedState: Readonly<Record<string, string>> = {
  "channels/call-flow.ts callFlows":
    "Node's asynchronous context is the thread's, and a line of execution may pass through several domains",
  "contract/type-registry.ts byClass": "decorators run when a module is loaded and know no domain",
  "contract/type-registry.ts byName": "decorators run when a module is loaded and know no domain",
  "contract/service-type.ts described": "a cache: describing a class again gives the same",
  "formatters/msgpack/extensions.ts currentResolver":
    "msgpackr's extensions are global; set while one decoding runs",
  "hosting/default-domain.ts defaultDomain": "the default domain itself",
  "lifetime/object-id.ts randomPool": "random bytes drawn in bulk; no meaning beyond the next id",
  "lifetime/object-id.ts randomUsed": "how far randomPool was used",
  "marshaling/error-values.ts registered": "where errors came from; keyed by the error, weak",
  "marshaling/error-values.ts substitutes":
    "tells errors that were made here from others; keyed by the error, weak",
  "marshaling/marshaler.ts noMarshal": "stands for no walk; never written to",
  "proxies/dynamic-proxy.ts stubs": "the way from a Proxy to its target; keyed by the proxy, weak",
  "proxies/remote-function.ts stubs": "the way from a function to its target; keyed by the function, weak",
  "proxies/remote-stub.ts noOptions":
    "an empty object of readonly fields, shared because most proxies have none",
  "session/received-memory.ts hasTaught":
    "whether the process's allocator was told; the allocator is the process's",
  "transports/memory/memory-network.ts memoryNetwork": "the names of memory://, as ports are the system's",
};

const maxLines = 600;

/** What users of the package import. */
const publicEntries: readonly string[] = ["index.ts", "spi.ts", "ipc.ts", "call-context.ts"];

function readSources(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));
}

const sources = readSources(fileURLToPath(new URL("../src", import.meta.url)));

/** Comments replaced by blanks, so that what they say is not taken for code. Strings stay. */
function withoutComments(text: string): string {
  return text.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match, literal: string | undefined) => literal ?? match.replaceAll(/[^\n]/g, " "),
  );
}

interface Import {
  /** `"session/session.ts"` for a file of ours, else the package's name. */
  readonly target: string;
  readonly isOwn: boolean;
}

function importsOf({ path, text }: SourceFile): Import[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  const imports: Import[] = [];
  for (const match of withoutComments(text).matchAll(pattern)) {
    const specifier = match[1] ?? match[2] ?? "";
    const isOwn = specifier.startsWith(".");
    imports.push({ target: isOwn ? normalize(join(dirname(path), specifier)) : specifier, isOwn });
  }
  return imports;
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function rankOf(path: string): number {
  return ranks.findIndex((names) => names.includes(folderOf(path)));
}

// --- the rules ----------------------------------------------------------------------------------------

function unranked(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => rankOf(path) < 0)
    .map(
      ({ path }) => `${path}: "${folderOf(path)}" has no rank; add it to the ranks of architecture.test.ts`,
    );
}

function brokenImports(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map(({ path }) => path));
  return files.flatMap((file) =>
    importsOf(file)
      .filter(({ isOwn, target }) => isOwn && !known.has(target))
      .map(({ target }) => `${file.path}: imports ${target}, which is no file of src (imports end in .ts)`),
  );
}

function upwardImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter(({ isOwn, target }) => {
        if (!isOwn || folderOf(target) === folderOf(file.path)) return false;
        // Files that stand in src itself and have one rank, as errors.ts and messages, are no folder's.
        return rankOf(target) >= rankOf(file.path) && !isFoundation(file.path, target);
      })
      .map(
        ({ target }) =>
          `${file.path}: imports ${target}; imports run only to lower ranks (${folderOf(file.path)} is ${rankOf(file.path)}, ${folderOf(target)} is ${rankOf(target)})`,
      ),
  );
}

/** `spi.ts` re-exports its own rank: that is what it is for. */
function isFoundation(path: string, target: string): boolean {
  return path === "spi.ts" && folderOf(target) === "channels";
}

function cycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ isOwn }) => isOwn)
        .map(({ target }) => target),
    ]),
  );
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push(`${[...trail.slice(start), path].join(" → ")}: files import each other in a circle`);
      return;
    }
    if (finished.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Raw pipes and the like are of use without any remoting. */
function ipcBesideErrors(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => folderOf(path) === "ipc")
    .flatMap((file) =>
      importsOf(file)
        .filter(({ isOwn, target }) => isOwn && target !== "errors.ts" && folderOf(target) !== "ipc")
        .map(({ target }) => `${file.path}: imports ${target}; ipc may import errors.ts and itself only`),
    );
}

/** What transports import of the addon: the public classes, and the rings, which are of no use without a transport. */
const nativeEntries: readonly string[] = ["ipc.ts", "ipc/rings/native-rings.ts"];

/** What the built-in parts import of this package must be what a third party can import. */
function partsBesideSpi(files: readonly SourceFile[]): string[] {
  const parts = ["formatters", "sinks", "transports", "mailslot"];
  // A channel of its own is a folder, the others have a folder for each part.
  const own = (path: string) =>
    path
      .split("/")
      .slice(0, folderOf(path) === "mailslot" ? 1 : 2)
      .join("/");
  const isOpen = (path: string, target: string) =>
    target === "spi.ts" ||
    (["transports", "mailslot"].includes(folderOf(path)) && nativeEntries.includes(target));
  return files
    .filter(({ path }) => parts.includes(folderOf(path)))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ isOwn, target }) => isOwn && !isOpen(file.path, target) && own(target) !== own(file.path))
        .map(
          ({ target }) =>
            `${file.path}: imports ${target}; ${own(file.path)} may import spi.ts and itself only`,
        ),
    );
}

/** Constructors whose results are meant to be changed. */
const mutableMakers =
  /=\s*new (?:Map|WeakMap|Set|WeakSet|Array|[A-Z]\w*)\b|=\s*Buffer\.alloc|=\s*\[\]|=\s*\{\}/;

function moduleState(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    // A statement at the top level ends before the next line that is not indented and does not close it.
    const statements = withoutComments(text).split(/\n(?=[a-z@])/);
    return statements.flatMap((statement) => {
      const declaration = /^(?:export )?(let|var|const) (\w+)/.exec(statement);
      if (declaration === null) return [];
      const [line = ""] = statement.split("\n");
      const [, kind = "", name = ""] = declaration;
      const isTyped = /: (?:Readonly\w*<|readonly )/.test(line);
      const holdsState =
        mutableMakers.test(line) || /^\s.*new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)/m.test(statement);
      const isFunction = /=>|\bfunction\b/.test(line);
      const isState = kind !== "const" || (holdsState && !isTyped && !isFunction);
      const isMark = /= new (?:ClassMark|MemberMark|InheritedMark)[<(]/.test(line);
      if (!isState || isMark || `${path} ${name}` in allowedState || isConstantTable(line)) return [];
      return [
        `${path}: "${kind} ${name}" is state of a module; keep it in a domain, or justify it in allowedState`,
      ];
    });
  });
}

/** A table that is filled where it is declared and typed or named as what never changes. */
function isConstantTable(line: string): boolean {
  return /^(?:export )?const \w+ = (?:new (?:Map|Set)(?:<[^>]*>)?\((?:\[|$|\w)|Buffer\.alloc\(0\))/.test(
    line,
  );
}

function staleAllowances(files: readonly SourceFile[]): string[] {
  return Object.keys(allowedState).filter((entry) => {
    const [path = "", name = ""] = entry.split(" ");
    const file = files.find((candidate) => candidate.path === path);
    return file === undefined || !new RegExp(`^(?:export )?(?:let|const) ${name}\\b`, "m").test(file.text);
  });
}

function metadataImports(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path !== "contract/metadata.ts")
    .filter((file) => importsOf(file).some(({ target }) => target === "reflect-metadata"))
    .map(({ path }) => `${path}: imports reflect-metadata, which only contract/metadata.ts may`);
}

function platformChecks(files: readonly SourceFile[]): string[] {
  return (
    files
      // It has to find the binary that was built for this platform.
      .filter(({ path }) => path !== "ipc/native-addon.ts")
      .filter(({ text }) =>
        /\bprocess\s*(?:\.\s*platform\b|\[)|\bos\.platform\(|from "node:os"/.test(withoutComments(text)),
      )
      .map(
        ({ path }) =>
          `${path}: asks for the platform; differences live in files of their own, chosen by the build`,
      )
  );
}

function longFiles(files: readonly SourceFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}: has ${lines} lines, more than ${maxLines}; split it`);
}

function headlessFiles(files: readonly SourceFile[]): string[] {
  const isReExporting = (text: string) => /^(?:import|export) [^;]*from /m.test(text);
  return files
    .filter(
      ({ text }) => !/^(?:import [^;]*;\n|import "[^"]*";\n|\s)*\/[/*]/.test(text) && isReExporting(text),
    )
    .map(({ path }) => `${path}: does not say at its top why it exists`);
}

interface Export {
  readonly name: string;
  readonly from: string;
}

/** The named re-exports of a file. */
function exportsOf(file: SourceFile): Export[] {
  const pattern = /export (?:type )?\{([^}]*)\} from "([^"]+)"/g;
  return [...withoutComments(file.text).matchAll(pattern)].flatMap(([, names = "", specifier = ""]) =>
    names
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter((name) => name !== "")
      .map((name) => ({
        name: name.split(" as ")[0] ?? name,
        from: normalize(join(dirname(file.path), specifier)),
      })),
  );
}

function starExports(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => publicEntries.includes(path))
    .filter(({ text }) =>
      /export \*|^export (?:class|const|function|interface|type \w)/m.test(withoutComments(text)),
    )
    .map(({ path }) => `${path}: has to name what it re-exports, and nothing else`);
}

function undocumentedExports(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => publicEntries.includes(path))
    .flatMap((file) =>
      exportsOf(file)
        .filter(({ name, from }) => {
          const text = files.find(({ path }) => path === from)?.text ?? "";
          const declaration = new RegExp(
            `(\\*/|\\*/\\n// biome-ignore[^\\n]*)\\n(?:@\\w+\\([^\\n]*\\)\\n)*export (?:declare )?(?:abstract |async )?(?:class|interface|type|const|function|enum) ${name}\\b`,
          );
          return !declaration.test(text);
        })
        .map(
          ({ name, from }) =>
            `${from}: "${name}", exported by ${file.path}, has no doc comment at its declaration`,
        ),
    );
}

const rules: Readonly<Record<string, (files: readonly SourceFile[]) => string[]>> = {
  "every folder has a rank": unranked,
  "every import is a file": brokenImports,
  "imports run only to lower ranks or within a folder": upwardImports,
  "no files import each other in a circle": cycles,
  "formatters, sinks and transports import spi.ts and their own folder only": partsBesideSpi,
  "ipc imports errors.ts and its own folder only": ipcBesideErrors,
  "no state in modules": moduleState,
  "only contract/metadata.ts imports reflect-metadata": metadataImports,
  "nobody asks for the platform": platformChecks,
  [`no file is longer than ${maxLines} lines`]: longFiles,
  "every file says at its top why it exists": headlessFiles,
  "index.ts, spi.ts and ipc.ts re-export by name": starExports,
  "every export of index.ts, spi.ts and ipc.ts is documented": undocumentedExports,
};

describe("the sources", () => {
  test("were found", () => {
    expect(sources.length).toBeGreaterThan(90);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(300);
    const spi = sources.find(({ path }) => path === "spi.ts");
    expect(spi === undefined ? 0 : exportsOf(spi).length).toBeGreaterThan(40);
  });

  test.each(Object.entries(rules))("%s", (_name, rule) => {
    expect(rule(sources)).toEqual([]);
  });

  test("no allowance is left over", () => {
    expect(staleAllowances(sources)).toEqual([]);
  });
});

describe("each rule sees its violation", () => {
  const violations: readonly (readonly [rule: string, path: string, text: string, message: string])[] = [
    ["every folder has a rank", "helpers/x.ts", "", 'helpers/x.ts: "helpers" has no rank'],
    [
      "every import is a file",
      "session/x.ts",
      'import { a } from "./nowhere.ts";',
      "session/x.ts: imports session/nowhere.ts",
    ],
    [
      "imports run only to lower ranks or within a folder",
      "marshaling/x.ts",
      'import type { Session } from "../session/session.ts";',
      "marshaling/x.ts: imports session/session.ts; imports run only to lower ranks",
    ],
    [
      "imports run only to lower ranks or within a folder",
      "contract/x.ts",
      'import {\n  RemoteStub,\n} from "../proxies/remote-stub.ts";',
      "contract/x.ts: imports proxies/remote-stub.ts",
    ],
    [
      "imports run only to lower ranks or within a folder",
      "channels/x.ts",
      'const lazy = () => import("../hosting/remoting-domain.ts");',
      "channels/x.ts: imports hosting/remoting-domain.ts",
    ],
    [
      "imports run only to lower ranks or within a folder",
      "spi.ts",
      'export { Marshaler } from "./marshaling/marshaler.ts";',
      "spi.ts: imports marshaling/marshaler.ts",
    ],
    [
      "no files import each other in a circle",
      "errors.ts",
      'export * from "./contract/class.ts";\nimport "./errors.ts";',
      "errors.ts → errors.ts",
    ],
    [
      "formatters, sinks and transports import spi.ts and their own folder only",
      "sinks/metering/x.ts",
      'import { header } from "../compression/compression-sink.ts";',
      "sinks/metering/x.ts: imports sinks/compression/compression-sink.ts; sinks/metering may import spi.ts and itself only",
    ],
    [
      "formatters, sinks and transports import spi.ts and their own folder only",
      "sinks/metering/x.ts",
      'import { NamedPipeServer } from "../../ipc.ts";',
      "sinks/metering/x.ts: imports ipc.ts",
    ],
    [
      "ipc imports errors.ts and its own folder only",
      "ipc/x.ts",
      'import type { Principal } from "../messages/principal.ts";',
      "ipc/x.ts: imports messages/principal.ts; ipc may import errors.ts and itself only",
    ],
    [
      "no state in modules",
      "session/x.ts",
      "let count = 0;",
      'session/x.ts: "let count" is state of a module',
    ],
    [
      "no state in modules",
      "session/x.ts",
      "export const sessions = new Map<string, Session>();",
      '"const sessions"',
    ],
    ["no state in modules", "session/x.ts", "const heartbeat = new Heartbeat();", '"const heartbeat"'],
    ["no state in modules", "session/x.ts", "const names: string[] = [];", '"const names"'],
    ["no state in modules", "session/x.ts", "const known = {\n  routes: new Map(),\n};", '"const known"'],
    [
      "only contract/metadata.ts imports reflect-metadata",
      "contract/x.ts",
      'import "reflect-metadata";',
      "contract/x.ts: imports reflect-metadata",
    ],
    [
      "nobody asks for the platform",
      "session/x.ts",
      'if (process.platform === "win32") {}',
      "session/x.ts: asks for the platform",
    ],
    [
      `no file is longer than ${maxLines} lines`,
      "session/x.ts",
      "\n".repeat(maxLines).concat("x"),
      `session/x.ts: has ${maxLines + 1} lines`,
    ],
    [
      "every file says at its top why it exists",
      "session/x.ts",
      'import { a } from "b";\nexport const c = a;',
      "session/x.ts: does not say",
    ],
    [
      "index.ts, spi.ts and ipc.ts re-export by name",
      "index.ts",
      'export * from "./errors.ts";',
      "index.ts: has to name",
    ],
    [
      "every export of index.ts, spi.ts and ipc.ts is documented",
      "index.ts",
      'export { frameKind, type Pulse } from "./errors.ts";',
      'errors.ts: "Pulse", exported by index.ts, has no doc comment',
    ],
  ];

  test.each(violations)("%s: %s", (name, path, text, message) => {
    const rule = rules[name];
    const files = [...sources.filter((file) => file.path !== path), { path, text }];
    expect(rule?.(files).join("\n")).toContain(message);
  });

  test("a long circle is shown in full", () => {
    const files = [
      { path: "session/a.ts", text: 'import "./b.ts";' },
      { path: "session/b.ts", text: 'import "./c.ts";' },
      { path: "session/c.ts", text: 'import "./a.ts";' },
    ];
    expect(cycles(files)).toEqual([
      "session/a.ts → session/b.ts → session/c.ts → session/a.ts: files import each other in a circle",
    ]);
  });

  test("what stands in comments is not code", () => {
    const files = [{ path: "session/x.ts", text: '// let count = 0;\n/* import "reflect-metadata"; */\n' }];
    for (const rule of Object.values(rules)) expect(rule(files)).toEqual([]);
  });
});
