/** What a TLS connection tells of its ends: the peer's name, and what binds a proof to the connection. */
import { createHash, type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Principal } from "../../spi.ts";
import type { TlsServerOptions } from "./tls-options.ts";

/** The kinds of alternative names that can be somebody's, as Node writes them. */
const namingKinds: readonly string[] = ["URI", "DNS", "email"];

/**
 * Who a certificate is for: its first alternative name that is a URI, a host or a mail address; if it has no
 * alternative names at all, the common name of its subject.
 */
export function nameOfCertificate({
  subjectAltName,
  subject,
}: Pick<X509Certificate, "subjectAltName" | "subject">): string | undefined {
  if (subjectAltName === undefined) return commonNameOf(subject);
  for (const { kind, name } of alternativeNames(subjectAltName)) {
    if (namingKinds.includes(kind) && name !== "") return name;
  }
  return undefined;
}

/** Takes apart what Node writes: `DNS:a, URI:b`, where names with commas and quotes in them are JSON strings. */
function* alternativeNames(text: string): Generator<{ readonly kind: string; readonly name: string }> {
  const pattern = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    // What cannot be read is nobody's name, nor is what comes after it.
    if (match === null) return;
    const [, kind = "", name = ""] = match;
    yield { kind, name: name.startsWith('"') ? String(JSON.parse(name)) : name };
  }
}

/** Node writes a subject as lines, `CN=name` among them. */
function commonNameOf(subject: string | undefined): string | undefined {
  const names = (subject ?? "").split("\n").filter((line) => line.startsWith("CN="));
  const [only] = names;
  // Two of them would be two answers to the question who it is.
  return names.length === 1 && only !== "CN=" ? only?.slice(3) : undefined;
}

/** Who a client is, or why it is not let in. */
export type ClientIdentity = { readonly principal: Principal } | { readonly refusal: string };

/** What a client's certificate says of it, or why it is not good enough. */
export function identifyClient(socket: TLSSocket, roles: TlsServerOptions["roles"]): ClientIdentity {
  try {
    return readIdentity(socket, roles);
  } catch {
    return { refusal: "the client's certificate could not be read, or its roles could not be found" };
  }
}

function readIdentity(socket: TLSSocket, roles: TlsServerOptions["roles"]): ClientIdentity {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return {
      refusal:
        "the server wants a certificate of the client: give the client's channel tls: { client: { cert, key } }",
    };
  }
  if (!socket.authorized) {
    return { refusal: `the client's certificate is not good: ${String(socket.authorizationError)}` };
  }
  const name = nameOfCertificate(certificate);
  if (name === undefined) {
    return {
      refusal: "the client's certificate has no name: neither an alternative name nor one common name",
    };
  }
  const granted = typeof roles === "function" ? roles(name) : rolesOf(roles, name);
  return {
    principal: Object.freeze({ name, roles: Object.freeze([...granted]), authenticatedBy: "certificate" }),
  };
}

function rolesOf(
  roles: Readonly<Record<string, readonly string[]>> | undefined,
  name: string,
): readonly string[] {
  return roles !== undefined && Object.hasOwn(roles, name) ? (roles[name] ?? []) : [];
}

/**
 * What both ends of a connection have in common, and nobody else. For TLS 1.3 keying material, `tls-exporter` of
 * RFC 9266. For TLS 1.2 that is only safe with an extension of which Node does not tell whether it was used: there it
 * is the server's certificate, `tls-server-end-point` of RFC 5929, always by SHA-256. It ties a proof to that server,
 * though not to the one connection.
 */
export function channelBindingOf(socket: TLSSocket, side: "client" | "server"): Buffer | undefined {
  if (socket.getProtocol() === "TLSv1.3") {
    const material = socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
    return Buffer.concat([Buffer.from("tls-exporter:"), material]);
  }
  const certificate = side === "server" ? socket.getX509Certificate() : socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const digest = createHash("sha256").update(certificate.raw).digest();
  return Buffer.concat([Buffer.from("tls-server-end-point:"), digest]);
}
