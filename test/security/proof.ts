/** The proofs of a shared secret, computed by hand from docs/wire-protocol.md: a second implementation. */
import { createHash, createHmac } from "node:crypto";
import { frame, type HelloOptions, hello, kind, text } from "../fault/frames.ts";

export const authentication = 0x02;
export const step = { claim: 1, challenge: 2, proof: 3 } as const;

/** What was said, as both sides hash it. */
export class Record {
  readonly #hash = createHash("sha256");

  /** @param said A whole frame. */
  add(said: Buffer): Buffer {
    const body = said.subarray(10);
    const head = Buffer.alloc(5);
    head.writeUInt8(said.readUInt8(4), 0);
    head.writeUInt32BE(body.length, 1);
    this.#hash.update(head).update(body);
    return said;
  }

  digest(): Buffer {
    return this.#hash.copy().digest();
  }
}

export function proofOf(role: string, secret: string, digest: Buffer, binding = Buffer.alloc(0)): Buffer {
  return createHmac("sha256", secret)
    .update(`remoting shared secret 1: ${role}\0`)
    .update(digest)
    .update(binding)
    .digest();
}

/** A `hello` that says that a claim follows. */
export function claimingHello(options: HelloOptions = {}): Buffer {
  const said = Buffer.from(hello(options));
  said.writeUInt32BE(authentication, 10 + 6);
  return said;
}

export function claim(name: string, nonce: Buffer, mechanism = 1): Buffer {
  return frame(
    kind.authenticate,
    0,
    0,
    Buffer.concat([Buffer.from([step.claim, mechanism]), text(name), nonce]),
  );
}

export function challenge(nonce: Buffer): Buffer {
  return frame(kind.authenticate, 0, 0, Buffer.concat([Buffer.from([step.challenge]), nonce]));
}

export function proof(bytes: Uint8Array): Buffer {
  return frame(kind.authenticate, 0, 0, Buffer.concat([Buffer.from([step.proof]), bytes]));
}
