/** The tags of {@link Tagged} values: part of the wire protocol, never renumbered. */

export const tag = {
  /** `[tag, hex]`: a bigint as hexadecimal digits with an optional leading minus. */
  bigint: 1,
  /** `[tag, milliseconds]`: a Date; NaN for an invalid one. */
  date: 2,
  /** `[tag, key, value, key, value, …]` */
  map: 3,
  /** `[tag, item, …]` */
  set: 4,
  /** `[tag, kind, bytes | attachment]`: a binary, inline or as the index of an attachment; see `binary-kinds.ts`. */
  binary: 5,
  /** `[tag, name, message, properties]`: an error of no registered class. */
  error: 6,
  /** `[tag, type name, fields]`: an instance of a `@Serializable` class. */
  object: 7,
  /** `[tag, id, type name, origin]`: an object of the sender's, or one that it relays; the origin may be missing. */
  reference: 8,
  /** `[tag, id]`: a function of the sender's. */
  function: 9,
  /** `[tag, id]`: an object or function of the receiver's that comes home. */
  home: 10,
  /** `[tag, id, aborted]`: an AbortSignal of the sender's. */
  signal: 11,
  /** `[tag, key, value, key, value, …]`: a plain object with many keys. */
  dictionary: 12,
  /** `[tag]`: the number -0, which most formats take for 0. */
  negativeZero: 13,
  /** `[tag, id]`: a function of the sender's that ends with the call that brings it. */
  scopedFunction: 14,
} as const;
