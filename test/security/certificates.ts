/**
 * Certificates, made while a test runs: a machine may have no openssl, and files in a repository expire. Writes as much
 * of X.509 (RFC 5280) in DER as TLS asks for, with keys on the curve P-256.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate with its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  readonly commonName?: string;
  /** Alternative names: `dns:localhost`, `ip:127.0.0.1`, `uri:spiffe://shop/till`, `email:ada@example.org`. */
  readonly names?: readonly string[];
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

const day = 24 * 60 * 60 * 1000;

function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...contents: readonly Uint8Array[]) => element(0x30, ...contents);
const integer = (bytes: Uint8Array) => element(0x02, bytes);
const octets = (content: Uint8Array) => element(0x04, content);
const bits = (content: Uint8Array) => element(0x03, Buffer.from([0]), content);
const yes = Buffer.from([0x01, 0x01, 0xff]);

/** An object identifier, of which all that are used here begin with two small numbers. */
function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

function distinguishedName(commonName: string | undefined): Buffer {
  if (commonName === undefined) return sequence();
  return sequence(element(0x31, sequence(oid("2.5.4.3"), element(0x0c, Buffer.from(commonName)))));
}

function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return element(0x18, Buffer.from(text));
}

const nameTags: Readonly<Record<string, number>> = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 };

function alternativeName(name: string): Buffer {
  const kind = name.slice(0, name.indexOf(":"));
  const value = name.slice(kind.length + 1);
  const content = kind === "ip" ? Buffer.from(value.split(".").map(Number)) : Buffer.from(value);
  return element(nameTags[kind] ?? 0, content);
}

const extension = (id: string, value: Uint8Array, critical = false) =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

interface Issuer {
  readonly name: Buffer;
  readonly key: KeyObject;
}

function issue(
  options: CertificateOptions,
  extensions: readonly Buffer[],
  issuer?: Issuer,
): Identity & { readonly issuer: Issuer } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const {
    commonName,
    validFrom = new Date(Date.now() - day),
    validTo = new Date(Date.now() + day),
  } = options;
  const name = distinguishedName(commonName);
  const serial = randomBytes(8);
  // Positive, and not shorter than it says.
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  const content = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuer?.name ?? name,
    sequence(time(validFrom), time(validTo)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [element(0xa3, sequence(...extensions))]),
  );
  const signature = sign("sha256", content, issuer?.key ?? privateKey);
  return {
    cert: pem("CERTIFICATE", sequence(content, ecdsaWithSha256, bits(signature))),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    issuer: { name, key: privateKey },
  };
}

/** Whoever signs certificates. */
export class Authority {
  /** Its own certificate, PEM: what others trust. */
  readonly cert: string;
  readonly #issuer: Issuer;

  constructor(commonName: string) {
    const isAuthority = extension("2.5.29.19", sequence(yes), true);
    const { cert, issuer } = issue({ commonName }, [isAuthority]);
    this.cert = cert;
    this.#issuer = issuer;
  }

  /** Signs a certificate. Default: valid from yesterday until tomorrow. */
  issue(options: CertificateOptions): Identity {
    const { names = [] } = options;
    const alternatives = extension("2.5.29.17", sequence(...names.map(alternativeName)));
    const { cert, key } = issue(options, names.length === 0 ? [] : [alternatives], this.#issuer);
    return { cert, key };
  }
}
