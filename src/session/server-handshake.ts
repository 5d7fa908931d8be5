/** The handshake as the side does it that accepted the connection: hears what is wanted, and welcomes or refuses. */
import { randomBytes } from "node:crypto";
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { Connection } from "../channels/connection.ts";
import { AccessDeniedError } from "../errors.ts";
import type { Principal } from "../messages/principal.ts";
import type { Agreement, Handshake, SendHandshakeFrame } from "./agreement.ts";
import { bindingOf, readClaim, readProof, Transcript } from "./authentication.ts";
import { feature, frameKind, supportedFeatures } from "./frame-kind.ts";
import { type ClientHello, negotiate, readHello, writeWelcome } from "./handshake.ts";
import type { SessionOptions } from "./session-options.ts";
import { SharedSecret, type SharedSecrets } from "./shared-secret.ts";

/** What a client has claimed and not yet proved. */
interface Claim {
  /** A secret that nobody knows, if there is none of that name: then the answer comes as late, and is the same. */
  readonly secret: SharedSecret;
  /** What is wrong with it, for this side's eyes only. */
  readonly reason: string;
}

/** See the head of this file. */
export class ServerHandshake implements Handshake {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #transcript: Transcript;
  #hello: ClientHello | undefined;
  #claim: Claim | undefined;

  constructor(options: SessionOptions, connection: Connection, send: SendHandshakeFrame) {
    this.#options = options;
    this.#connection = connection;
    this.#transcript = new Transcript(send);
  }

  begin(): void {
    // A server waits: what does not speak first is no client.
  }

  onFrame(kind: number, reader: ByteReader): Agreement | undefined {
    const hello = this.#hello;
    if (hello === undefined) return this.#onHello(kind, reader);
    if (kind !== frameKind.authenticate) {
      throw protocolError(`it has not proved who it is (frame kind ${kind})`);
    }
    if (this.#claim === undefined) {
      this.#onClaim(reader);
      return undefined;
    }
    return this.#onProof(hello, this.#claim, reader);
  }

  #onHello(kind: number, reader: ByteReader): Agreement | undefined {
    if (kind !== frameKind.hello)
      throw protocolError(`it does not begin with a handshake (frame kind ${kind})`);
    this.#transcript.hear(kind, reader);
    const hello = readHello(reader);
    const { refusal } = this.#connection;
    if (refusal !== undefined) throw new AccessDeniedError(refusal);
    const isClaimed = (hello.features & feature.authentication) !== 0;
    if (this.#options.authentication === undefined) {
      if (!isClaimed) return this.#welcome(hello, this.#connection.principal);
      throw new AccessDeniedError(
        "the client wants a proof that the server knows a shared secret, and the server's channel has none: give it authentication: sharedSecrets({ … })",
      );
    }
    if (!isClaimed) {
      throw new AccessDeniedError(
        "the server wants to know who calls: give the client's channel credentials: sharedSecret({ name, secret })",
      );
    }
    this.#hello = hello;
    return undefined;
  }

  #onClaim(reader: ByteReader): void {
    this.#transcript.hear(frameKind.authenticate, reader);
    const name = readClaim(reader);
    if (name === undefined) {
      throw new AccessDeniedError(
        "the server does not know the way in which the client wants to prove who it is",
      );
    }
    this.#claim = claimOf(name, this.#options.authentication);
    this.#transcript.sayChallenge();
  }

  #onProof(hello: ClientHello, { secret, reason }: Claim, reader: ByteReader): Agreement {
    const expected = this.#transcript.digest();
    this.#transcript.hear(frameKind.authenticate, reader);
    const binding = bindingOf(this.#connection);
    if (!secret.verifies(readProof(reader), "client", expected, binding)) {
      throw new AccessDeniedError("the name or the secret is wrong", { cause: new Error(reason) });
    }
    const agreement = this.#welcome(hello, secret.principal);
    this.#transcript.sayProof(secret.prove("server", this.#transcript.digest(), binding));
    return agreement;
  }

  #welcome(hello: ClientHello, principal: Principal | undefined): Agreement {
    const formatter = negotiate(hello, this.#options);
    const { maxPayloadBytes } = this.#options.limits;
    const features = supportedFeatures | (hello.features & feature.authentication);
    this.#transcript.say(frameKind.welcome, (writer) => writeWelcome(writer, { features, maxPayloadBytes }));
    return {
      formatter,
      maxPayloadBytes: hello.maxPayloadBytes,
      features: hello.features & supportedFeatures,
      principal,
    };
  }
}

function claimOf(name: string, authentication: SharedSecrets | undefined): Claim {
  const nobodys = () => new SharedSecret({ name: "nobody", secret: randomBytes(32) });
  try {
    const secret = name === "" ? undefined : authentication?.find(name);
    if (secret !== undefined) return { secret, reason: `the secret of "${name}" is another one here` };
    return { secret: nobodys(), reason: `there is no secret of the name "${name}"` };
  } catch (cause) {
    return { secret: nobodys(), reason: `the secret of "${name}" was not found: ${String(cause)}` };
  }
}
