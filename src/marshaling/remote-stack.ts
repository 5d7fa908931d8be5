/**
 * Stacks of errors on their way from process to process. As in .NET, each process that rethrows an error leaves a note
 * in its stack, so that the last one sees the whole way.
 *
 * ```text
 * RemoteInvocationError: disk full
 * Server stack trace:
 *     at Storage.save (/srv/storage.ts:7:11)
 * Exception rethrown at [0]:
 *     at async Shop.order (/srv/shop.ts:12:5)
 * Exception rethrown at [1]:
 *     at async main (/home/ada/client.ts:3:1)
 * ```
 */
import { stackOf } from "../errors.ts";

/** The longest stack that is sent or believed, in characters: the way through a dozen processes. */
const maxStackLength = 16 * 1024;

const serverNote = "Server stack trace:\n";
const hopNote = "Exception rethrown at [";

/** Where an error came from, without its name and message; `undefined` if it does not say. */
export function framesOf(error: Error): string | undefined {
  // Its getter may be the application's, and throw: an error must always get through.
  const stack = stackOf(error);
  if (stack === undefined) return undefined;
  const note = stack.indexOf(`\n${serverNote}`);
  const start = note >= 0 ? note : stack.indexOf("\n    at ");
  return start < 0 ? undefined : stack.slice(start + 1, start + 1 + maxStackLength);
}

/** The frames that a peer has sent; `undefined` if it has sent none. */
export function framesFromWire(sent: unknown): string | undefined {
  return typeof sent === "string" && sent !== "" ? sent.slice(0, maxStackLength) : undefined;
}

/** The stack of an error that a call rejects with, up to where the frames of the caller go on. */
export function stackBeforeCaller(error: Error, frames: string | undefined): string {
  const header = `${error.name}: ${error.message}`;
  if (frames === undefined) return header;
  const hops = frames.split(hopNote).length - 1;
  const noted = frames.startsWith(serverNote) ? frames : serverNote + frames;
  return `${header}\n${noted.trimEnd()}\n${hopNote}${hops}]:`;
}

/** Gives an error a stack, if it lets itself be given one. */
export function setStack(error: Error, stack: string): void {
  Reflect.defineProperty(error, "stack", {
    value: stack,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
