/** The bytes of a message after formatting: what channel sinks see. */

/** One formatted message. */
export interface Payload {
  /** The formatted arguments or result. */
  readonly body: Uint8Array;
  /** Large binaries that travel beside the body and not through the formatter. */
  readonly attachments: readonly Uint8Array[];
  /** What channel sinks want to tell their counterparts, such as the algorithm of a compression. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The empty set of headers, shared because most payloads have none. */
export const noHeaders: ReadonlyMap<string, string> = new Map();

/** The empty set of attachments, shared because most payloads have none. */
export const noAttachments: readonly Uint8Array[] = [];
