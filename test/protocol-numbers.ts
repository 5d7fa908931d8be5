/**
 * The numbers of the wire protocol, as docs/wire-protocol.md has them: not imported from the code, so that a change of them
 * is noticed.
 */

/** The kinds of frames. */
export const kind = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  call: 4,
  result: 5,
  thrown: 6,
  fault: 7,
  cancel: 8,
  segments: 9,
  fragment: 10,
  definition: 11,
  release: 12,
  signal: 13,
  ping: 14,
  pong: 15,
  goAway: 16,
  withdrawn: 17,
  credit: 18,
  authenticate: 22,
  unread: 24,
} as const;

/** The flags of calls, and of other frames where it says so. */
export const flag = {
  oneWay: 0x01,
  construct: 0x02,
  deadline: 0x04,
  fields: 0x08,
  defineRoute: 0x10,
  segments: 0x20,
  attachments: 0x40,
  pipelined: 0x80,
  /** Of `segments` and `fragment` frames. */
  ofReturn: 0x01,
} as const;

/** The number of each error on the wire. */
export const fault = {
  remoting: 0,
  serviceNotFound: 1,
  methodNotFound: 2,
  objectDisconnected: 3,
  serialization: 4,
  accessDenied: 5,
  limitExceeded: 6,
  connectionLost: 8,
  connect: 9,
} as const;
