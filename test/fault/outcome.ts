/** What became of calls, and whether that is consistent with what the server did. */
import assert from "node:assert/strict";
import { ConnectError, ConnectionLostError, RemotingError } from "remoting";

/** What a client was told of a call. */
export type Outcome =
  | { readonly kind: "result"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: RemotingError };

/** Waits for a call. Any error that is not the framework's is a failure of the test. */
export async function outcomeOf(call: PromiseLike<unknown>): Promise<Outcome> {
  try {
    return { kind: "result", value: await call };
  } catch (error) {
    assert(error instanceof RemotingError, `not a RemotingError: ${String(error)}`);
    return { kind: "failed", error };
  }
}

/** The error of a call that must have failed because of its connection. */
export function connectionFailureOf(outcome: Outcome): ConnectError | ConnectionLostError {
  assert(outcome.kind === "failed", "the call succeeded");
  const { error } = outcome;
  assert(
    error instanceof ConnectError || error instanceof ConnectionLostError,
    `neither ConnectError nor ConnectionLostError: ${error.name}: ${error.message}`,
  );
  if (error instanceof ConnectError) assert.equal(error.mayHaveExecuted, false);
  return error;
}

/** Counts of what clients were told against what servers did. */
export interface Verdict {
  readonly calls: number;
  readonly results: number;
  readonly notExecuted: number;
  /** Told "may have executed", and it had. */
  readonly mayHaveAndDid: number;
  /** Told "may have executed", and it had not. */
  readonly mayHaveAndDidNot: number;
}

/**
 * The oracle: nothing ran twice; what has a result ran once; what is said not to have run has not.
 *
 * @param outcomes By the id of the call.
 * @param executions How often the servers ran each id.
 */
export function judge(
  outcomes: ReadonlyMap<number, Outcome>,
  executions: ReadonlyMap<number, number>,
): Verdict {
  const twice = [...executions].filter(([, count]) => count > 1);
  assert.deepEqual(twice, [], "calls ran more than once");
  const unknown = [...executions.keys()].filter((id) => !outcomes.has(id));
  assert.deepEqual(unknown, [], "calls ran that nobody made");
  let results = 0;
  let notExecuted = 0;
  let mayHaveAndDid = 0;
  let mayHaveAndDidNot = 0;
  for (const [id, outcome] of outcomes) {
    const ran = executions.has(id);
    if (outcome.kind === "result") {
      results++;
      assert(ran, `call ${id} has a result and did not run`);
    } else if (!outcome.error.mayHaveExecuted) {
      notExecuted++;
      assert(!ran, `call ${id} is said not to have run, and it has: ${outcome.error.message}`);
    } else if (ran) {
      mayHaveAndDid++;
    } else {
      mayHaveAndDidNot++;
    }
  }
  return { calls: outcomes.size, results, notExecuted, mayHaveAndDid, mayHaveAndDidNot };
}
