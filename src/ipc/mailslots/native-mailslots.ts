/** Mailslots as the addon has them; see native/mailslot/mailslot.cc. */

/** What both ends are made of. */
export interface NativeMailslotOptions {
  /** Without `\\.\mailslot\`. */
  readonly name: string;
  readonly folder: string;
  readonly mode: number;
  readonly security: string;
  /** 0 for whatever the system takes. */
  readonly maxMessageSize: number;
}

/** Takes messages from the system, as far as there is room. */
export interface NativeMailslotReader {
  /** How many messages may be taken from now on. */
  setRoom(messages: number): void;
  setReferenced(referenced: boolean): void;
  close(): void;
}

/** Writes one message at a time. */
export interface NativeMailslotWriter {
  /** True if it was written, false if it waits. Throws what the system says. */
  write(message: Uint8Array): boolean;
  /** Gives up the message that waits. False if that is too late. */
  cancel(): boolean;
  /** What the server takes; 0 if that is not known. */
  maxMessageSize(): number;
  close(): void;
}

/** This family's part of the addon. */
export interface NativeMailslots {
  readonly MailslotReader: new (
    options: NativeMailslotOptions,
    onTaken: (messages: Buffer[], oversized: number) => void,
    onFailed: (error: unknown) => void,
  ) => NativeMailslotReader;
  readonly MailslotWriter: new (
    options: NativeMailslotOptions,
    onWritten: (error: unknown) => void,
  ) => NativeMailslotWriter;
}
