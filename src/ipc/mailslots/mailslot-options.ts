/** What mailslots can be told. */
import { parseMailslotName } from "./mailslot-name.ts";
import type { NativeMailslotOptions } from "./native-mailslots.ts";

/** Where a mailslot is looked for, the same for both ends. */
export interface MailslotPlace {
  /**
   * POSIX: the folder in which the name is; it has to exist, belong to the server's user and be writable for nobody
   * else. Default: one that only this user can look into. Nothing on Windows.
   */
  readonly folder?: string;
}

/** How a mailslot is made. */
export interface MailslotServerOptions extends MailslotPlace {
  /**
   * The largest message, in bytes (nMaxMessageSize). Default 65,536: what one message carries everywhere, and what a
   * stranger can make this process hold for one. 0: whatever the system takes, see `docs/ipc.md`.
   */
  readonly maxMessageSize?: number;
  /**
   * Milliseconds that `read` waits for a message (lReadTimeout). Default `Infinity` (MAILSLOT_WAIT_FOREVER); 0 does not
   * wait.
   */
  readonly readTimeout?: number;
  /**
   * How many messages the slot holds. Default 1,024. When it is full, messages stay with the system until some are
   * read, and then writers wait.
   */
  readonly maxQueuedMessages?: number;
  /** How many bytes the slot holds, about. Default 1 MiB; at least one message fits in any case. */
  readonly maxQueuedBytes?: number;
  /** Who may write. POSIX: the rights of the socket. Default 0o600, this user. Give others a {@link MailslotPlace.folder}. */
  readonly mode?: number;
  /** Who may write. Windows: a security descriptor in SDDL. Default: this user. */
  readonly security?: string;
}

/** How a mailslot is opened for writing. */
export interface MailslotClientOptions extends MailslotPlace {
  /**
   * Milliseconds that `write` waits while the slot is full. Default 5,000: a reader that lives has long read by then.
   * `Infinity` waits for ever, 0 does not wait.
   */
  readonly writeTimeout?: number;
  /**
   * The largest message, in bytes, that this end sends. Default: what the server takes, where that can be known (not on
   * Windows), and nothing less.
   */
  readonly maxMessageSize?: number;
}

/** Counts as the system does: whole numbers that fit. */
export function checkCount(what: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= 0x7fff_ffff) return value;
  throw new TypeError(`${what} must be a whole number of at least ${least}, not ${String(value)}`);
}

/** Milliseconds, or `Infinity`. */
export function checkTimeout(what: string, value: number): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new TypeError(`${what} must be a number of milliseconds of at least 0, not ${String(value)}`);
}

/** As the addon takes them. */
export function nativeOptions(
  name: string,
  { folder = "", mode = 0o600, security = "" }: MailslotServerOptions,
  maxMessageSize: number,
): NativeMailslotOptions {
  return { name: parseMailslotName(name), folder, mode, security, maxMessageSize };
}
