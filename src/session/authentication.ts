/**
 * How the two sides prove in the handshake that they know the same secret: the client first, so that a stranger gets
 * nothing of the server's to try secrets on; the server next, before the client says anything else.
 *
 * `hello` and `claim`, `challenge`, `proof`, `welcome` and `proof`: each proof is about all that was said before it, by
 * both sides, so nothing of it can have been changed on the way, and nothing of it be used again.
 */
import { createHash, randomBytes } from "node:crypto";
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { ByteWriter } from "../channels/byte-writer.ts";
import type { SendHandshakeFrame } from "./agreement.ts";
import { frameKind } from "./frame-kind.ts";
import { maxSecretName, proofSize } from "./shared-secret.ts";

/** What a side adds so that no handshake is like another: never used twice. */
export const nonceSize = 32;

/** The one way to prove that there is. */
const hmacSha256 = 1;

/** The steps of the `authenticate` frames, which their bodies begin with. */
const step = { claim: 1, challenge: 2, proof: 3 } as const;

/** What binds a proof to its connection, if the transport has something. */
export function bindingOf({
  channelBinding,
}: {
  readonly channelBinding?: Uint8Array | undefined;
}): Uint8Array {
  return channelBinding ?? new Uint8Array(0);
}

/** Everything that was said in a handshake, by both sides, as a digest. */
export class Transcript {
  readonly #hash = createHash("sha256");
  readonly #send: SendHandshakeFrame;

  constructor(send: SendHandshakeFrame) {
    this.#send = send;
  }

  /** Sends a frame of the handshake and adds it. */
  say(kind: number, write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    write(writer);
    const body = writer.written();
    this.#add(kind, body);
    this.#send(kind, (batch) => batch.writeBytes(body));
  }

  /** Adds a frame of the peer's. Its reader stands at the beginning of the body. */
  hear(kind: number, reader: ByteReader): void {
    this.#add(kind, reader.bytes.subarray(reader.position, reader.end));
  }

  #add(kind: number, body: Uint8Array): void {
    const head = Buffer.alloc(5);
    head.writeUInt8(kind, 0);
    head.writeUInt32BE(body.length, 1);
    this.#hash.update(head).update(body);
  }

  /** The digest of all that was said until now. */
  digest(): Buffer {
    return this.#hash.copy().digest();
  }

  /** Says which secret the client knows. */
  sayClaim(name: string): void {
    this.say(frameKind.authenticate, (writer) => {
      writer.writeUint8(step.claim);
      writer.writeUint8(hmacSha256);
      writer.writeString(name);
      writer.writeBytes(randomBytes(nonceSize));
    });
  }

  /** Asks the client to prove it. */
  sayChallenge(): void {
    this.say(frameKind.authenticate, (writer) => {
      writer.writeUint8(step.challenge);
      writer.writeBytes(randomBytes(nonceSize));
    });
  }

  sayProof(proof: Uint8Array): void {
    this.say(frameKind.authenticate, (writer) => {
      writer.writeUint8(step.proof);
      writer.writeBytes(proof);
    });
  }
}

/** Reads the client's claim. Returns the name; `undefined` if it wants to prove it in a way that is not known here. */
export function readClaim(reader: ByteReader): string | undefined {
  expectStep(reader, step.claim);
  if (reader.readUint8() !== hmacSha256) return undefined;
  const name = reader.readString(maxSecretName);
  reader.skip(nonceSize);
  expectEnd(reader);
  return name;
}

export function readChallenge(reader: ByteReader): void {
  expectStep(reader, step.challenge);
  reader.skip(nonceSize);
  expectEnd(reader);
}

export function readProof(reader: ByteReader): Buffer {
  expectStep(reader, step.proof);
  const proof = reader.readBytes(proofSize);
  expectEnd(reader);
  return proof;
}

function expectStep(reader: ByteReader, expected: number): void {
  const found = reader.readUint8();
  if (found !== expected) throw protocolError(`step ${found} of the authentication instead of ${expected}`);
}

function expectEnd(reader: ByteReader): void {
  if (reader.remaining > 0) throw protocolError("a frame of the authentication is too long");
}
