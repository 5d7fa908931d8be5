/** `tcps://host:port`: the same as `tcp://`, within TLS 1.2 or later. Node's `tls`. */
import { isIP, type NetConnectOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect, createServer, type TLSSocket } from "node:tls";
import {
  ConnectError,
  type Connection,
  duplexCapabilities,
  type Transport,
  type TransportListener,
} from "../../spi.ts";
import { giveTo } from "./owned-socket.ts";
import { pemOf } from "./pem.ts";
import { ReadBuffer } from "./read-buffer.ts";
import { formatTcpAddress, isLoopback, parseTcpAddress } from "./tcp-address.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { peerNameOf } from "./tcp-transport.ts";
import { type ClientIdentity, channelBindingOf, identifyClient } from "./tls-identity.ts";
import type { TlsOptions } from "./tls-options.ts";

/** Milliseconds for the handshake of TLS itself; that of the session has its own. */
const handshakeTimeout = 5_000;

/** Connections whose handshake of TLS is not over: a further one takes the place of the oldest. */
const maxHandshakes = 256;

/** See the head of this file. */
export class TlsTransport implements Transport {
  readonly scheme = "tcps";
  readonly #options: TlsOptions;
  readonly #readBuffer = new ReadBuffer();
  readonly capabilities = { ...duplexCapabilities, peerIdentity: true };

  /** Throws TypeError for what is not PEM. */
  constructor(options: TlsOptions) {
    const { server = {}, client = {} } = options;
    checkGiven("tls", options, "ca");
    checkGiven("tls.server", server, "cert");
    checkGiven("tls.server", server, "key");
    checkGiven("tls.client", client, "cert");
    checkGiven("tls.client", client, "key");
    this.#options = options;
  }

  get authenticatesPeers(): boolean {
    return this.#options.server?.requireClientCertificate === true;
  }

  isLocal(address: string): boolean {
    return isLoopback(parseTcpAddress(address).host);
  }

  connect(address: string, signal: AbortSignal): Promise<Connection> {
    const { host, port } = parseTcpAddress(address);
    const { ca, client = {}, minVersion = "TLSv1.2" } = this.#options;
    return new Promise((resolve, reject) => {
      if (port === 0) throw new TypeError(`tcps://${address} has no port: 0 can only be listened on`);
      const connection = new TcpConnection(address, (owner) => {
        const options: ConnectionOptions & Pick<NetConnectOpts, "onread"> = {
          host,
          port,
          minVersion,
          ...identityOf("tls.client", client),
          ...(ca === undefined ? {} : { ca: pemOf("tls.ca", ca) }),
          // Said, because NODE_TLS_REJECT_UNAUTHORIZED would change the default.
          rejectUnauthorized: true,
          ...nameOf(client.servername ?? host),
          onread: this.#readBuffer.onRead(owner),
        };
        const socket = connect(options);
        giveTo(socket, owner);
        socket.setNoDelay(true);
        const abort = () =>
          socket.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
        signal.addEventListener("abort", abort, { once: true });
        const fail = (error: Error) => reject(explain(error, meaningsToClient));
        socket.once("error", fail);
        socket.once("secureConnect", () => {
          signal.removeEventListener("abort", abort);
          socket.removeListener("error", fail);
          connection.isLocal = isLoopback(socket.remoteAddress ?? "");
          connection.identity = identityLazily(socket, "client");
          resolve(connection);
        });
        return socket;
      });
    });
  }

  listen(
    address: string,
    accept: (connection: Connection) => void,
    onFailed: (error: Error) => void,
  ): Promise<TransportListener> {
    const { host, port } = parseTcpAddress(address);
    const { ca, server: own = {}, minVersion = "TLSv1.2" } = this.#options;
    const { cert, key, requireClientCertificate = false, roles } = own;
    if (cert === undefined || key === undefined) {
      throw new TypeError(
        `tcps://${address} cannot be listened on without a certificate: give the channel tls: { server: { cert, key } }`,
      );
    }
    if (requireClientCertificate && ca === undefined) {
      throw new TypeError(
        `tcps://${address} cannot demand certificates without knowing whose: give the channel tls: { ca }, with the authority that has signed them`,
      );
    }
    return new Promise((resolve, reject) => {
      const server = createServer({
        minVersion,
        ...identityOf("tls.server", own),
        ...(ca === undefined ? {} : { ca: pemOf("tls.ca", ca) }),
        requestCert: requireClientCertificate,
        // The session refuses, in words; TLS itself would only hang up.
        rejectUnauthorized: false,
        handshakeTimeout,
        noDelay: true,
      });
      const strangers = new Strangers();
      server.on("connection", (socket) => strangers.add(socket));
      server.on("secureConnection", (socket) => {
        strangers.remove(socket);
        const connection = new TcpConnection(peerNameOf(socket), (owner) => {
          socket.on("data", (chunk: Buffer) => owner.receive(chunk, chunk.length));
          return giveTo(socket, owner);
        });
        connection.isLocal = isLoopback(socket.remoteAddress ?? "");
        connection.identity = identityLazily(
          socket,
          "server",
          requireClientCertificate ? identifyClient(socket, roles) : undefined,
        );
        accept(connection);
      });
      server.on("tlsClientError", (cause, socket) => {
        strangers.remove(socket);
        socket.destroy();
        const { message } = explain(cause);
        onFailed(
          new ConnectError(`A connection to tcps://${address} came to nothing: ${message}`, { cause }),
        );
      });
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.removeListener("error", reject);
        const bound = server.address();
        const actual = typeof bound === "object" && bound !== null ? bound.port : port;
        resolve({
          address: formatTcpAddress(host, actual),
          close: () => {
            strangers.end();
            return new Promise((closed) => server.close(() => closed()));
          },
        });
      });
    });
  }
}

/** The sockets whose handshake is not over, by their other end, the oldest first. */
class Strangers {
  readonly #sockets = new Map<string, Socket>();

  add(socket: Socket): void {
    const name = peerNameOf(socket);
    this.#sockets.set(name, socket);
    socket.once("close", () => {
      if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
    });
    if (this.#sockets.size <= maxHandshakes) return;
    for (const oldest of this.#sockets.values()) {
      oldest.destroy();
      break;
    }
  }

  /** @param socket That of TLS, which stands in front of the one that was added. */
  remove(socket: Socket): void {
    this.#sockets.delete(peerNameOf(socket));
  }

  end(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

/** What is known of a connection; the binding is only worked out where it is asked for. */
function identityLazily(
  socket: TLSSocket,
  side: "client" | "server",
  known: ClientIdentity | undefined = undefined,
): NonNullable<TcpConnection["identity"]> {
  let binding: Buffer | undefined;
  return {
    ...known,
    get channelBinding() {
      // Kept: Node 20 gives a client its peer's certificate once, and nothing when it is asked again.
      binding ??= channelBindingOf(socket, side);
      return binding;
    },
  };
}

/** An address has no name that could be asked for; Node compares it with the certificate by itself. */
function nameOf(servername: string): { servername?: string } {
  return isIP(servername) === 0 ? { servername } : {};
}

/** Checks what is given as a value. A getter reads a file that only one of the two sides may have: that is for later. */
function checkGiven<Owner extends object>(where: string, owner: Owner, name: keyof Owner & string): void {
  const material: unknown = Object.getOwnPropertyDescriptor(owner, name)?.value;
  if (material !== undefined) pemOf(`${where}.${name}`, material);
}

function identityOf(name: string, { cert, key, passphrase }: NonNullable<TlsOptions["client"]>) {
  return {
    ...(cert === undefined ? {} : { cert: pemOf(`${name}.cert`, cert) }),
    ...(key === undefined ? {} : { key: pemOf(`${name}.key`, key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

/** What OpenSSL's words mean here, where they do not say it themselves. */
const meanings: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS: is it tcp://?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS: is it tcp://?",
  ERR_SSL_HTTP_REQUEST: "it speaks HTTP",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "it speaks no version of TLS that is new enough",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "it speaks no version of TLS that is new enough",
  SELF_SIGNED_CERT_IN_CHAIN: untrusted(),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted(),
  UNABLE_TO_GET_ISSUER_CERT: untrusted(),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted(),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted(),
};

function untrusted(): string {
  return "its certificate is of an authority that is not trusted here: give the channel tls: { ca }, if it should be";
}

/** What a client knows of that a server does not: to whom it wants to speak. */
const meaningsToClient: typeof meanings = {
  ...meanings,
  ECONNRESET: "it ended the connection before TLS had begun: is it tcp://?",
};

function explain(error: Error, known = meanings): Error {
  const code: unknown = Reflect.get(error, "code");
  const meaning = typeof code === "string" ? known[code] : undefined;
  return meaning === undefined ? error : new Error(`${meaning} (${code})`, { cause: error });
}
