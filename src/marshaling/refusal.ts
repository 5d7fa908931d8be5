/**
 * What is said of a value that cannot travel. Only called when there is one, so it may be slow: advice that the user
 * cannot follow, such as to decorate a class of Node's, is worse than a moment's search.
 */
import { Stream } from "node:stream";

/** Why a value cannot travel, and what to do: the end of a sentence that begins with its path. */
export function refusalOf(value: unknown): string {
  if (value instanceof Promise) return "is a promise: await it before it is passed";
  const iterator = iteratorKind(value);
  if (iterator !== undefined) {
    return `is ${withArticle(iterator)}, and streams cannot travel: use a callback that is called with each item, or collect the items in an array`;
  }
  const name = classNameOf(value);
  if (isStream(value)) {
    return `is ${withArticle(name)}, and streams cannot travel: use a callback that is called with each chunk, or collect them in a Buffer`;
  }
  if (isOfPlatform(value)) {
    return `is ${withArticle(name)}, which cannot travel: pass what it is made of instead`;
  }
  return `is an instance of ${name}, which cannot travel: mark the class @Serializable() to send it by value, or let it extend MarshalByRefObject to send a reference; if the class is not yours, pass what it is made of instead`;
}

function constructorOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? value.constructor : undefined;
}

function classNameOf(value: unknown): string {
  if (typeof value !== "object") return typeof value;
  const type = constructorOf(value);
  return (typeof type === "function" && type.name) || "an unnamed class";
}

function withArticle(name: string): string {
  return `${/^[aeioAEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** What kind of the language's own iterators it is. Those have no class that could be named. */
function iteratorKind(value: unknown): string | undefined {
  const [, isAsync, kind] =
    /^\[object (Async)?.*?(Generator|Iterator|Iterator Helper)\]$/.exec(
      Object.prototype.toString.call(value),
    ) ?? [];
  if (kind === undefined) return undefined;
  const noun = kind === "Generator" ? "generator" : "iterator";
  return isAsync === undefined ? noun : `async ${noun}`;
}

function isStream(value: unknown): boolean {
  return (
    value instanceof Stream ||
    value instanceof ReadableStream ||
    value instanceof WritableStream ||
    value instanceof TransformStream
  );
}

/** Modules of Node's with classes of whose objects somebody may get hold. */
const modulesWithClasses = [
  "async_hooks",
  "child_process",
  "crypto",
  "dgram",
  "diagnostics_channel",
  "dns",
  "events",
  "fs",
  "http",
  "http2",
  "https",
  "net",
  "perf_hooks",
  "readline",
  "readline/promises",
  "string_decoder",
  "tls",
  "util",
  "vm",
  "worker_threads",
  "zlib",
];

/** Node's classes that no module exports, each with a member by which it is told from a user's of that name. */
const unexportedClasses: ReadonlyMap<string, string> = new Map([
  ["Timeout", "hasRef"],
  ["Immediate", "hasRef"],
  ["FileHandle", "createReadStream"],
  ["SecretKeyObject", "symmetricKeySize"],
  ["PublicKeyObject", "asymmetricKeyType"],
  ["PrivateKeyObject", "asymmetricKeyType"],
]);

/** Whether a value is of a class of the platform's, which nobody can decorate. */
function isOfPlatform(value: unknown): boolean {
  const type = constructorOf(value);
  if (typeof type !== "function" || typeof value !== "object" || value === null) return false;
  const { name } = type;
  if (Function.prototype.toString.call(type).includes("[native code]")) return true;
  if (Reflect.get(globalThis, name) === type) return true;
  const member = unexportedClasses.get(name);
  if (member !== undefined && member in value) return true;
  return modulesWithClasses.some((id) => {
    const module = process.getBuiltinModule(id);
    return module !== undefined && Reflect.get(module, name) === type;
  });
}
