/** Errors by value: their name, message and own properties; their stack only for those who may see it. */
import { inspect } from "node:util";
import { AbortError, RemoteInvocationError, SerializationError } from "../errors.ts";
import { framesFromWire, setStack, stackBeforeCaller } from "./remote-stack.ts";

const builtInErrors: ReadonlyMap<string, new (message: string) => Error> = new Map([
  ["EvalError", EvalError],
  ["RangeError", RangeError],
  ["ReferenceError", ReferenceError],
  ["SyntaxError", SyntaxError],
  ["TypeError", TypeError],
  ["URIError", URIError],
]);

/** What of an error travels beside its name and message: own properties such as `code`, and the cause. */
export function* errorProperties(error: Error): Generator<[key: string, value: unknown]> {
  for (const key of Object.keys(error)) {
    if (key === "name" || key === "message" || key === "stack" || key === "cause" || key === "__proto__")
      continue;
    yield [key, Reflect.get(error, key)];
  }
  if (Object.hasOwn(error, "cause")) yield ["cause", error.cause];
  if (error instanceof AggregateError) yield ["errors", error.errors];
}

/**
 * Errors that were made here of what a peer has sent, with the frames that it sent with them. Those of
 * {@link errorFromWire} are of no registered class and arrive as what they are not.
 */
const substitutes = new WeakMap<Error, string | undefined>();
const registered = new WeakMap<Error, string>();

/** Remembers where an error of a registered class came from. */
export function rememberFrames(error: Error, sent: unknown): void {
  const frames = framesFromWire(sent);
  if (frames !== undefined) registered.set(error, frames);
}

/**
 * What travels of an error that is thrown on: of a `RemoteInvocationError` the error that it tells of, as if there were
 * no process in between.
 */
export function thrownOn(error: Error): Error {
  const { cause } = error;
  const tellsOf = error instanceof RemoteInvocationError && cause instanceof Error && substitutes.has(cause);
  return tellsOf ? cause : error;
}

/**
 * What a call rejects with whose method threw `thrown`: an error of a registered class as itself, a
 * cancellation as the platform's, anything else as a `RemoteInvocationError` that says what it was.
 */
export function thrownFromWire(thrown: unknown): Error {
  const error = asThrown(thrown);
  const frames = thrown instanceof Error ? (substitutes.get(thrown) ?? registered.get(thrown)) : undefined;
  // The frames of this place would be a lie. The caller's own are added where they are known.
  setStack(error, stackBeforeCaller(error, frames));
  return error;
}

function asThrown(thrown: unknown): Error {
  if (!(thrown instanceof Error)) {
    const text =
      typeof thrown === "string"
        ? thrown
        : inspect(thrown, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
    return new RemoteInvocationError(
      typeof thrown,
      `The method threw a value that is not an error: ${text}`,
      {
        cause: thrown,
      },
    );
  }
  if (!substitutes.has(thrown)) return thrown;
  if (thrown.name === "AbortError")
    return new AbortError(thrown.message, { cause: thrown, mayHaveExecuted: true });
  const frames = substitutes.get(thrown);
  return new RemoteInvocationError(thrown.name, thrown.message, {
    cause: thrown,
    ...(frames === undefined ? {} : { remoteStack: `${thrown.name}: ${thrown.message}\n${frames}` }),
  });
}

/** The error that was sent: an instance of the built-in class of its name if there is one, else of Error. */
export function errorFromWire(items: readonly unknown[]): Error {
  const [, name, message, properties, stack] = items;
  if (
    typeof name !== "string" ||
    typeof message !== "string" ||
    typeof properties !== "object" ||
    properties === null
  ) {
    throw new SerializationError("The peer sent an error in a form that is not allowed");
  }
  const error = createError(name, message);
  const frames = framesFromWire(stack);
  substitutes.set(error, frames);
  // The stack of this place would be a lie.
  error.stack = `${name}: ${message}\n${frames ?? "    at <another process>"}`;
  if (error.name !== name) define(error, "name", name, false);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "stack" || key in Error.prototype) continue;
    define(error, key, value, key !== "cause" && key !== "errors");
  }
  return error;
}

function createError(name: string, message: string): Error {
  if (name === "AggregateError") return new AggregateError([], message);
  const type = builtInErrors.get(name) ?? Error;
  return new type(message);
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable });
}
