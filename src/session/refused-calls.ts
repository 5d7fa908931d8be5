/** The errors for calls that are refused before they begin. */
import { LimitExceededError, RemotingTimeoutError } from "../errors.ts";
import type { ServedCall } from "./served-call.ts";

/** The error for a call whose time was over before it could be started. */
export function tooLate({ method, target, timeout }: ServedCall): RemotingTimeoutError {
  return new RemotingTimeoutError(
    `${method || target} was not started within ${timeout} ms: its caller was behind with reading earlier results`,
  );
}

/** The error for a call that is one too many. */
export function tooManyCalls(limit: number): LimitExceededError {
  return new LimitExceededError(
    "maxCallsInFlight",
    `${limit} calls of this connection are already in flight: await some of them first, or raise maxCallsInFlight`,
  );
}

/** The error for a call whose arguments are more than may be in use, with those of the calls that run. */
export function tooManyArguments(bytes: number, used: number, limit: number): LimitExceededError {
  return new LimitExceededError(
    "maxArgumentBytes",
    `The call has ${bytes} bytes of arguments, and the calls of this connection that run have ${used} of the ${limit} that are allowed: await some of them first, or raise maxArgumentBytes`,
  );
}

/** The error for a call that cannot begin yet, when too much is kept for others that cannot. */
export function tooMuchKept(bytes: number): LimitExceededError {
  return new LimitExceededError(
    "maxReassemblyBytes",
    `Calls with ${bytes} bytes of arguments wait to be started, because their caller is behind with reading or earlier ones are still being unpacked or authorized: await some of them first, or raise maxReassemblyBytes`,
  );
}
