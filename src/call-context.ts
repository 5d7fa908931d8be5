/**
 * The call context (`remoting/call-context`): apart from `remoting`, because keeping track of it costs something. It is
 * kept in processes that import this, and where calls bring something in it.
 */

export { CallContext, type CurrentCall } from "./channels/call-context.ts";
export type { LogicalData, LogicalDataChanges, LogicalValue } from "./messages/logical-data.ts";
export type { PeerInfo } from "./messages/peer-info.ts";
export type { Principal } from "./messages/principal.ts";
