/** The handshake as the side does it that opened the connection: says what it wants, and is welcomed or refused. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { ByteWriter } from "../channels/byte-writer.ts";
import type { Connection } from "../channels/connection.ts";
import { AccessDeniedError, ConnectError } from "../errors.ts";
import type { Agreement, Handshake, SendHandshakeFrame } from "./agreement.ts";
import { bindingOf, readChallenge, readProof, Transcript } from "./authentication.ts";
import { readFault } from "./fault.ts";
import { feature, frameKind, supportedFeatures } from "./frame-kind.ts";
import { readWelcome, type ServerWelcome, writeHello } from "./handshake.ts";
import type { SessionOptions } from "./session-options.ts";
import type { SharedSecret } from "./shared-secret.ts";

/** What has been said: nothing is taken out of turn. */
type Stage = "hello" | "proof" | "welcome";

/** See the head of this file. */
export class ClientHandshake implements Handshake {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #url: string;
  readonly #send: SendHandshakeFrame;
  readonly #credentials: SharedSecret | undefined;
  readonly #transcript: Transcript;
  /** What was said last; with credentials, the server has to prove itself after its welcome. */
  #stage: Stage = "hello";
  #welcome: ServerWelcome | undefined;

  /** @param url Names the server in messages to people. */
  constructor(options: SessionOptions, connection: Connection, url: string, send: SendHandshakeFrame) {
    this.#options = options;
    this.#connection = connection;
    this.#url = url;
    this.#send = send;
    const { credentials } = options;
    this.#credentials = typeof credentials === "function" ? credentials(url) : credentials;
    this.#transcript = new Transcript(send);
  }

  begin(): void {
    const credentials = this.#credentials;
    if (credentials === undefined) {
      this.#send(frameKind.hello, (batch) => this.#writeHello(batch, supportedFeatures));
      return;
    }
    const features = supportedFeatures | feature.authentication;
    this.#transcript.say(frameKind.hello, (writer) => this.#writeHello(writer, features));
    this.#transcript.sayClaim(credentials.name);
  }

  #writeHello(writer: ByteWriter, features: number): void {
    const { formatters, channelSinks, limits } = this.#options;
    writeHello(writer, {
      features,
      maxPayloadBytes: limits.maxPayloadBytes,
      formatter: formatters[0].name,
      sinks: channelSinks.map(({ name }) => name),
    });
  }

  onFrame(kind: number, reader: ByteReader): Agreement | undefined {
    if (kind === frameKind.refuse) throw this.#refusal(reader);
    const credentials = this.#credentials;
    if (credentials === undefined) {
      if (kind !== frameKind.welcome) throw strange(kind);
      return this.#agree(readWelcome(reader));
    }
    if (kind === frameKind.authenticate && this.#stage === "hello") {
      this.#answer(credentials, reader);
    } else if (kind === frameKind.welcome && this.#stage === "proof") {
      this.#transcript.hear(kind, reader);
      this.#welcome = readWelcome(reader);
      this.#stage = "welcome";
    } else if (kind === frameKind.authenticate && this.#welcome !== undefined) {
      return this.#verify(credentials, this.#welcome, reader);
    } else if (kind === frameKind.welcome) {
      throw this.#unproved(credentials, "did not prove that it knows");
    } else {
      throw strange(kind);
    }
    return undefined;
  }

  /** The server has sent its challenge. */
  #answer(credentials: SharedSecret, reader: ByteReader): void {
    this.#transcript.hear(frameKind.authenticate, reader);
    readChallenge(reader);
    this.#transcript.sayProof(
      credentials.prove("client", this.#transcript.digest(), bindingOf(this.#connection)),
    );
    this.#stage = "proof";
  }

  /** The server has sent its proof, which is about all that was said before. */
  #verify(credentials: SharedSecret, welcome: ServerWelcome, reader: ByteReader): Agreement {
    const transcript = this.#transcript.digest();
    if (!credentials.verifies(readProof(reader), "server", transcript, bindingOf(this.#connection))) {
      throw this.#unproved(credentials, "does not know");
    }
    return this.#agree(welcome);
  }

  #agree({ maxPayloadBytes, features }: ServerWelcome): Agreement {
    return {
      formatter: this.#options.formatters[0],
      maxPayloadBytes,
      features: features & supportedFeatures,
      principal: this.#credentials?.principal ?? this.#connection.principal,
    };
  }

  #unproved({ name }: SharedSecret, fault: string): AccessDeniedError {
    return new AccessDeniedError(
      `${this.#url} ${fault} the shared secret "${name}": it is another server, or its channel lacks the secret in authentication: sharedSecrets({ … })`,
    );
  }

  #refusal(reader: ByteReader): ConnectError | AccessDeniedError {
    const fault = readFault(reader);
    const message = `${this.#url} refused the connection: ${fault.message}`;
    return fault instanceof AccessDeniedError ? new AccessDeniedError(message) : new ConnectError(message);
  }
}

function strange(kind: number): Error {
  return protocolError(`it does not begin with a handshake (frame kind ${kind})`);
}
