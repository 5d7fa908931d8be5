/** What a channel over mailslots can be told. */
import type { Formatter, MessageSinkProvider, PayloadLimits } from "../spi.ts";

/** Options of the channel; all but the formatters have defaults. */
export interface MailslotChannelOptions {
  /** What can be spoken. A client uses the first; a server understands all of them. */
  readonly formatters: readonly [Formatter, ...Formatter[]];
  /** Unique within a domain. Default `"mailslot"`. */
  readonly name?: string;
  /** Of several channels for one scheme the one with the highest priority is used. Default 1. */
  readonly priority?: number;
  /** What sees the calls, the first outermost. */
  readonly messageSinks?: readonly MessageSinkProvider[];
  /**
   * The largest message, in bytes, that is sent or taken. Default 65,536: what every system takes, and no place for
   * large data.
   */
  readonly maxMessageSize?: number;
  /** Milliseconds that a call waits while the slot is full, unless its own timeout is shorter. Default 5,000. */
  readonly writeTimeout?: number;
  /**
   * Calls that run at a time. Default 1,024, as many as a connection may have. While so many run, messages stay in
   * the slot, and in the end the writers wait.
   */
  readonly maxCallsInFlight?: number;
  /** Bounds on what is decoded. */
  readonly limits?: Partial<PayloadLimits>;
  /** POSIX: the folder in which names are; see `MailslotPlace` of `remoting/ipc`. */
  readonly folder?: string;
  /** POSIX: the rights of the socket that is listened on. Default 0o600, this user. */
  readonly mode?: number;
  /** Windows: a security descriptor of the slot, in SDDL. Default: this user. */
  readonly security?: string;
}

/** The same, with everything said. */
export interface MailslotSettings extends MailslotChannelOptions {
  readonly messageSinks: readonly MessageSinkProvider[];
  readonly maxMessageSize: number;
  readonly writeTimeout: number;
  readonly maxCallsInFlight: number;
}

/** Fills in the defaults. */
export function settingsOf(options: MailslotChannelOptions): MailslotSettings {
  return {
    messageSinks: [],
    maxMessageSize: 65_536,
    writeTimeout: 5_000,
    maxCallsInFlight: 1_024,
    ...options,
  };
}
