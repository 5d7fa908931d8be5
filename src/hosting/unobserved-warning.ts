/** What becomes of an error that no call reports and nobody listens for: a warning of the process, so that it is not lost. */
import { describeThrown, stackOf } from "../errors.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import { describePeer } from "../session/session-errors.ts";

/** Warns of an error. Node prints it; it does not end the process. */
export function warnOfUnobserved(error: unknown, origin: ErrorOrigin): void {
  const message = `Nobody listens for unobservedError: ${describeThrown(error)}${whence(origin)}`;
  // Given an error, Node takes no code: the warning is one of its own, with the error as its cause.
  const warning = new Error(message, { cause: error });
  warning.name = "Warning";
  // Node prints no stack of a warning, but its detail.
  const detail = stackOf(error);
  process.emitWarning(
    Object.assign(warning, {
      code: "REMOTING_UNOBSERVED_ERROR",
      ...(detail === undefined ? {} : { detail }),
    }),
  );
}

function whence({ peer, target, method }: ErrorOrigin): string {
  const call = target === undefined || method === undefined ? [] : [`${target}.${method}`];
  const connection = peer === undefined ? [] : [describePeer(peer)];
  const known = [...call, ...connection];
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}
