/** The data that flows with calls (LogicalCallContext). */

/** A value that can flow with calls: JSON's. Arrays and objects in it are copies, and frozen. */
export type LogicalValue =
  | null
  | boolean
  | number
  | string
  | readonly LogicalValue[]
  | { readonly [key: string]: LogicalValue };

/** Named values that flow with a call. Never changed: who wants others makes another map. */
export type LogicalData = ReadonlyMap<string, LogicalValue>;

/** What a call has done to the data it came with: new values, and `undefined` for those that it has removed. */
export type LogicalDataChanges = ReadonlyMap<string, LogicalValue | undefined>;

/** Takes what comes back in the call context of a call that succeeded, before the call resolves. */
export interface ContextReceiver {
  receive(changes: LogicalDataChanges): void;
}

/** Nothing flows. */
export const noLogicalData: ReadonlyMap<string, LogicalValue> = new Map();
