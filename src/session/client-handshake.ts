/** The handshake as the side does it that opened the connection: says what it wants, and is welcomed or refused. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { Connection } from "../channels/connection.ts";
import { ConnectError } from "../errors.ts";
import type { Agreement, Handshake, SendHandshakeFrame } from "./agreement.ts";
import { readFault } from "./fault.ts";
import { frameKind, supportedFeatures } from "./frame-kind.ts";
import { readWelcome, writeHello } from "./handshake.ts";
import type { SessionOptions } from "./session-options.ts";

/** See the head of this file. */
export class ClientHandshake implements Handshake {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #url: string;
  readonly #send: SendHandshakeFrame;

  /** @param url Names the server in messages to people. */
  constructor(options: SessionOptions, connection: Connection, url: string, send: SendHandshakeFrame) {
    this.#options = options;
    this.#connection = connection;
    this.#url = url;
    this.#send = send;
  }

  begin(): void {
    const { formatters, channelSinks, limits } = this.#options;
    this.#send(frameKind.hello, (batch) =>
      writeHello(batch, {
        features: supportedFeatures,
        maxPayloadBytes: limits.maxPayloadBytes,
        formatter: formatters[0].name,
        sinks: channelSinks.map(({ name }) => name),
      }),
    );
  }

  onFrame(kind: number, reader: ByteReader): Agreement | undefined {
    switch (kind) {
      case frameKind.welcome: {
        const { maxPayloadBytes, features } = readWelcome(reader);
        return {
          formatter: this.#options.formatters[0],
          maxPayloadBytes,
          features: features & supportedFeatures,
          principal: this.#connection.principal,
        };
      }
      case frameKind.refuse:
        throw new ConnectError(`${this.#url} refused the connection: ${readFault(reader).message}`);
      default:
        throw protocolError(`it does not begin with a handshake (frame kind ${kind})`);
    }
  }
}
