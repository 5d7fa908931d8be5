/** The certificates of the `tcps://` row: both sides have one, of one authority. */
import type { TlsOptions } from "remoting";
import { Authority } from "../../security/certificates.ts";

let made: TlsOptions | undefined;

/** What both sides are told. Made once, with the first channel that needs it. */
export function tlsOptions(): TlsOptions {
  made ??= makeOptions();
  return made;
}

function makeOptions(): TlsOptions {
  const authority = new Authority("conformance");
  return {
    ca: authority.cert,
    server: { ...authority.issue({ names: ["ip:127.0.0.1"] }), requireClientCertificate: true },
    client: authority.issue({ names: ["dns:client.example"] }),
  };
}
