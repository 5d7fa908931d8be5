/** Shared secrets: what both sides of a connection know and nobody else, and what either side proves with it. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Principal } from "../messages/principal.ts";

/** Bytes of a proof, as SHA-256 makes them. */
export const proofSize = 32;

/** The longest name of a secret, in bytes of UTF-8. */
export const maxSecretName = 255;

/** Half of what is recommended: less could be found by trying, given one recorded handshake. */
const minSecretBytes = 16;

/** A secret: random bytes, or a text that was made of them. At least 16 bytes; 32 random ones are right. */
export type Secret = string | Uint8Array;

/** What {@link sharedSecret} takes. */
export interface SharedSecretOptions {
  /** Says which secret it is. Travels in the open. At most 255 bytes. */
  readonly name: string;
  /** What both sides know. Never travels. */
  readonly secret: Secret;
  /**
   * The roles of whoever proves that it knows the secret: for a client's channel the server, when it calls back.
   * Default none.
   */
  readonly roles?: readonly string[];
}

/** A secret of {@link sharedSecrets}: by itself, or with the roles of the client that knows it. */
export type SharedSecretEntry = Secret | undefined | Omit<SharedSecretOptions, "name">;

/** Which side of a connection a proof is of: one side's proof is worth nothing as the other's. */
export type Prover = "client" | "server";

/** Separates these proofs from all other uses of the same secret, and the two sides from each other. */
const labels: Readonly<Record<Prover, string>> = {
  client: "remoting shared secret 1: client\0",
  server: "remoting shared secret 1: server\0",
};

/** A secret and its name. The secret cannot be read back, and is not shown when this is printed. */
export class SharedSecret {
  readonly name: string;
  readonly roles: readonly string[];
  readonly authenticatedBy = "shared-secret";
  readonly #key: KeyObject;

  constructor({ name, secret, roles = [] }: SharedSecretOptions) {
    checkName(name);
    this.name = name;
    this.roles = Object.freeze([...roles]);
    this.#key = createSecretKey(bytesOf(name, secret));
  }

  /**
   * What a side sends to prove that it knows the secret.
   *
   * @param transcript The digest of all that was said before.
   * @param binding What both ends of this connection have in common, and no other connection has.
   */
  prove(prover: Prover, transcript: Uint8Array, binding: Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update(labels[prover]).update(transcript).update(binding).digest();
  }

  /** Whether a proof is right. Takes as long for a wrong one, whatever is wrong with it. */
  verifies(proof: Uint8Array, prover: Prover, transcript: Uint8Array, binding: Uint8Array): boolean {
    return proof.length === proofSize && timingSafeEqual(proof, this.prove(prover, transcript, binding));
  }

  /** Who has proved to know the secret, as data. */
  get principal(): Principal {
    const { name, roles, authenticatedBy } = this;
    return Object.freeze({ name, roles, authenticatedBy });
  }
}

/** The secrets that a server knows. */
export class SharedSecrets {
  /** The secret of a name; `undefined` if there is none. Throws TypeError if what is there is no secret. */
  readonly find: (name: string) => SharedSecret | undefined;

  constructor(find: (name: string) => SharedSecret | undefined) {
    this.find = find;
  }
}

/**
 * What a client proves who it is with, and what its server has to prove to know too. For the `credentials` of a
 * channel.
 *
 * The secret itself never travels. Both sides show that they know it before anything else is said, and a server that
 * does not know it is refused with `AccessDeniedError`. Without TLS, whoever controls the network can take over a
 * connection after that: over networks that are not trusted, use it with `tcps://`.
 *
 * @throws TypeError for a secret of fewer than 16 bytes, such as a password. A good one is
 * `randomBytes(32).toString("base64")`.
 *
 * @example
 * ```ts
 * registerChannel(tcpChannel({
 *   credentials: sharedSecret({ name: "till-7", secret: process.env.TILL_SECRET ?? "" }),
 * }));
 * ```
 */
export function sharedSecret(options: SharedSecretOptions): SharedSecret {
  return new SharedSecret(options);
}

/**
 * The secrets that a server knows: each client proves that it knows one of them, and its name is then the name of the
 * caller's {@link Principal}. For the `authentication` of a channel.
 *
 * @param secrets By name; or a function that finds the secret of a name, asked once for each connection.
 * @throws TypeError for a secret of fewer than 16 bytes.
 *
 * @example
 * ```ts
 * registerChannel(tcpChannel({
 *   authentication: sharedSecrets({
 *     "till-7": process.env.TILL_SECRET,
 *     office: { secret: process.env.OFFICE_SECRET ?? "", roles: ["manager"] },
 *   }),
 * }));
 * ```
 */
export function sharedSecrets(
  secrets: Readonly<Record<string, SharedSecretEntry>> | ((name: string) => SharedSecretEntry),
): SharedSecrets {
  if (typeof secrets === "function") {
    return new SharedSecrets((name) => {
      const entry = secrets(name);
      return entry === undefined ? undefined : secretOf(name, entry);
    });
  }
  const byName = new Map(
    Object.entries(secrets).map(([name, entry]) => {
      if (entry !== undefined) return [name, secretOf(name, entry)];
      throw new TypeError(
        `The secret "${name}" is undefined: is the environment variable set that it is from?`,
      );
    }),
  );
  return new SharedSecrets((name) => byName.get(name));
}

function secretOf(name: string, entry: NonNullable<SharedSecretEntry>): SharedSecret {
  if (typeof entry === "string" || entry instanceof Uint8Array)
    return new SharedSecret({ name, secret: entry });
  return new SharedSecret({ ...entry, name });
}

function checkName(name: string): void {
  if (typeof name !== "string" || name === "" || Buffer.byteLength(name) > maxSecretName) {
    throw new TypeError(`A shared secret needs a name of 1 to ${maxSecretName} bytes`);
  }
}

function bytesOf(name: string, secret: Secret): Uint8Array {
  const bytes = typeof secret === "string" ? Buffer.from(secret) : secret;
  if (bytes instanceof Uint8Array && bytes.length >= minSecretBytes) return bytes;
  const what = bytes instanceof Uint8Array ? `has ${bytes.length} bytes` : "is missing";
  throw new TypeError(
    `The secret "${name}" ${what}, and needs ${minSecretBytes} at least: make one with node -p "crypto.randomBytes(32).toString('base64')"`,
  );
}
