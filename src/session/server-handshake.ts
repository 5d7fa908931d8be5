/** The handshake as the side does it that accepted the connection: hears what is wanted, and welcomes or refuses. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { Connection } from "../channels/connection.ts";
import type { Agreement, Handshake, SendHandshakeFrame } from "./agreement.ts";
import { frameKind, supportedFeatures } from "./frame-kind.ts";
import { negotiate, readHello, writeWelcome } from "./handshake.ts";
import type { SessionOptions } from "./session-options.ts";

/** See the head of this file. */
export class ServerHandshake implements Handshake {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #send: SendHandshakeFrame;

  constructor(options: SessionOptions, connection: Connection, send: SendHandshakeFrame) {
    this.#options = options;
    this.#connection = connection;
    this.#send = send;
  }

  begin(): void {
    // A server waits: what does not speak first is no client.
  }

  onFrame(kind: number, reader: ByteReader): Agreement | undefined {
    if (kind !== frameKind.hello)
      throw protocolError(`it does not begin with a handshake (frame kind ${kind})`);
    const hello = readHello(reader);
    const formatter = negotiate(hello, this.#options);
    const { maxPayloadBytes } = this.#options.limits;
    this.#send(frameKind.welcome, (batch) =>
      writeWelcome(batch, { features: supportedFeatures, maxPayloadBytes }),
    );
    return {
      formatter,
      maxPayloadBytes: hello.maxPayloadBytes,
      features: hello.features & supportedFeatures,
      principal: this.#connection.principal,
    };
  }
}
