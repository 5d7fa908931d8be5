/** Errors by value: their name, message and own properties, never their stack. */
import { inspect } from "node:util";
import { AbortError, RemoteInvocationError, SerializationError } from "../errors.ts";

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

/** Errors that {@link errorFromWire} made: those of no registered class, which arrive as what they are not. */
const substitutes = new WeakSet<Error>();

/**
 * What a call rejects with whose method threw `thrown`: an error of a registered class as itself, a
 * cancellation as the platform's, anything else as a `RemoteInvocationError` that says what it was.
 */
export function thrownFromWire(thrown: unknown): unknown {
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
  return new RemoteInvocationError(thrown.name, thrown.message, { cause: thrown });
}

/** The error that was sent: an instance of the built-in class of its name if there is one, else of Error. */
export function errorFromWire(items: readonly unknown[]): Error {
  const [, name, message, properties] = items;
  if (
    typeof name !== "string" ||
    typeof message !== "string" ||
    typeof properties !== "object" ||
    properties === null
  ) {
    throw new SerializationError("The peer sent an error in a form that is not allowed");
  }
  const error = createError(name, message);
  substitutes.add(error);
  // The stack of this place would be a lie.
  error.stack = `${name}: ${message}\n    at <another process>`;
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
