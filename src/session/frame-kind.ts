/**
 * The vocabulary of the wire: frame kinds and flags. `docs/wire-protocol.md` is the full account; numbers
 * are never reused.
 *
 * Every frame begins with `length: u32` (of all that follows), `kind: u8`, `flags: u8`, `id: u32`.
 */

/** Bytes of a frame before its body. */
export const frameHeaderSize = 10;

/** The version that is spoken: a peer with another major version is refused. */
export const protocolVersion = { major: 1, minor: 0 } as const;

/** The first bytes of every handshake: tells a stranger from a peer. */
export const protocolMagic = 0x524d5447; // "RMTG"

/** Optional abilities, one bit each in `hello` and `welcome`: what both sides have is used. */
export const feature = {
  /** Fragments are sent as far as the receiver has given credit. */
  credit: 0x01,
  /** What was taken of fragments is reported early where the sender asks for it. */
  promptCredit: 0x04,
  /** `authenticate` frames follow: see `authentication.ts`. Not optional once it is asked for. */
  authentication: 0x02,
} as const;

/** The abilities that every peer of this version has. */
export const supportedFeatures = feature.credit | feature.promptCredit;

export const frameKind = {
  /** Client to server, first: who speaks, and what it wants to speak. */
  hello: 1,
  /** Server to client: the session is open. */
  welcome: 2,
  /** Server to client: the session is refused, and why. */
  refuse: 3,
  /** A method call or construction. */
  call: 4,
  /** The result of a call. */
  result: 5,
  /** The method threw. */
  thrown: 6,
  /** The call failed before or after the method ran: a fault code and a message, readable without formatter. */
  fault: 7,
  /** The caller no longer wants the result. */
  cancel: 8,
  /** The lengths of what follows a frame in fragments: its body, then its attachments. */
  segments: 9,
  /** A piece of the segments of a frame. */
  fragment: 10,
  /** Something the formatter must know before the next payload. */
  definition: 11,
  /** References that are no longer held. */
  release: 12,
  /** A signal was aborted, or can no longer be. */
  signal: 13,
  ping: 14,
  pong: 15,
  /** No new calls are taken; those under way finish. */
  goAway: 16,
  /** A call that was cancelled before it left: its route counts, but it is not run. */
  withdrawn: 17,
  /** So many bytes of fragments were taken, and as many more may be sent. */
  credit: 18,
  /** Both ways, in the handshake: who the client is, and that both sides know its secret. */
  authenticate: 22,
  /** The answer to a call was not read, and nothing is kept of it: the references in it do not count. */
  unread: 24,

  // Reserved: a peer of this version does not send these, and one that receives them skips them.
  /** Data of a stream, its credit, its end. */
  streamData: 19,
  streamCredit: 20,
  streamEnd: 21,
  /** Context that holds for the whole session. */
  context: 23,
} as const;

/** Flags of `call` frames. */
export const callFlag = {
  oneWay: 0x01,
  construct: 0x02,
  /** A deadline follows: u32 milliseconds. */
  deadline: 0x04,
  /** Optional fields follow. */
  fields: 0x08,
  /** The route named in this frame gets the next number of the session. */
  defineRoute: 0x10,
  /** The payload follows in segments. */
  segments: 0x20,
  /** Attachments follow the body, in the same frame. */
  attachments: 0x40,
  /** Reserved: the target is the result of a call that is still under way. */
  pipelined: 0x80,
} as const;

/** Flags of `result` and `thrown` frames. */
export const returnFlag = {
  fields: callFlag.fields,
  segments: callFlag.segments,
  attachments: callFlag.attachments,
} as const;

/** Flags of `fault` frames. */
export const faultFlag = {
  /** The arguments were not looked at: the peer has none of the references in them. */
  unread: 0x01,
} as const;

/** Flags of `segments`, `fragment` and `credit` frames. */
export const fragmentFlag = {
  /** It is about a return, not a call. */
  ofReturn: 0x01,
  /** Of a fragment: its sender waits for the report that it was taken. */
  report: 0x02,
} as const;

/** Flags of `signal` frames. */
export const signalFlag = {
  aborted: 0x01,
} as const;

/** The numbers of optional fields. A peer skips those that it does not know. */
export const fieldNumber = {
  /** What channel sinks tell each other. */
  sinkHeaders: 1,
  /** What flows with a call, and, with its result, what the method has changed of it. */
  context: 2,
  /** Reserved: the call whose result is the target. */
  pipelinedCall: 3,
} as const;
