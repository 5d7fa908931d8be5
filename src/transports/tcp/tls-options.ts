/** What TLS has to be told: who this side is, and whom it trusts. */
/** Certificates or keys: PEM as text or bytes, or several of them. */
export type TlsMaterial = string | Buffer | readonly (string | Buffer)[];

/** A certificate of one's own, with its key. */
export interface TlsIdentity {
  /** The certificate, PEM, and behind it those that lead to its root. */
  readonly cert?: TlsMaterial | undefined;
  /** Its private key, PEM. */
  readonly key?: TlsMaterial | undefined;
  /** Opens the key, if it is encrypted. */
  readonly passphrase?: string | undefined;
}

/** What a server is told of TLS. */
export interface TlsServerOptions extends TlsIdentity {
  /**
   * Whether clients have to present a certificate of one of the authorities in {@link TlsOptions.ca}: its name is then
   * that of the caller's principal. Default `false`: then TLS keeps what travels secret, but does not tell who calls.
   */
  readonly requireClientCertificate?: boolean | undefined;
  /** The roles of callers, by the name of their certificate. Default none. */
  readonly roles?:
    | Readonly<Record<string, readonly string[]>>
    | ((name: string) => readonly string[])
    | undefined;
}

/** What a client is told of TLS. */
export interface TlsClientOptions extends TlsIdentity {
  /** The name that the server's certificate must be for. Default: the host of the URL. */
  readonly servername?: string | undefined;
}

/** What a `tcps://` channel is told of TLS. */
export interface TlsOptions {
  /**
   * The authorities whose certificates are believed, PEM. Default, for a client: those that Node knows, which vouch for
   * public web sites. A server that demands certificates of its clients needs to be told.
   */
  readonly ca?: TlsMaterial | undefined;
  /** What is needed to listen. */
  readonly server?: TlsServerOptions | undefined;
  /** What differs from the default when connecting. */
  readonly client?: TlsClientOptions | undefined;
  /** The oldest version of TLS that is spoken. Default 1.2; nothing older can be had. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
}
