/** What the handshake leads to, and what both of its sides have in common. */
import type { ByteReader } from "../channels/byte-reader.ts";
import type { Formatter } from "../channels/formatter.ts";
import type { Principal } from "../messages/principal.ts";
import type { FrameBatch } from "./frame-batch.ts";

/** What both sides know when the handshake has succeeded. */
export interface Agreement {
  readonly formatter: Formatter;
  /** The largest payload that the peer takes. */
  readonly maxPayloadBytes: number;
  /** The optional abilities that both sides have. */
  readonly features: number;
  /** Who the peer has proved to be, by the handshake or to the transport. */
  readonly principal: Principal | undefined;
}

/** One side of a handshake. */
export interface Handshake {
  /** Sends what this side has to say first, if anything. */
  begin(): void;

  /**
   * Takes a frame of the peer's.
   *
   * @returns The agreement, if the handshake is complete with it.
   * @throws A protocol error for a stranger, a `ConnectError` or `AccessDeniedError` for a peer that cannot be agreed
   *   with; a server tells its client why.
   */
  onFrame(kind: number, reader: ByteReader): Agreement | undefined;
}

/** Sends a frame of the handshake at once, ahead of whatever waits for the session to be open. */
export type SendHandshakeFrame = (kind: number, write: (batch: FrameBatch) => void) => void;
