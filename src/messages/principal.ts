/** Who a peer has proved to be. */

/**
 * An identity that a peer has proved (System.Security.Principal.IPrincipal). A peer that has proved nothing has none,
 * and no code should take a name from anywhere else.
 */
export interface Principal {
  /** The name: of a shared secret, of a certificate, of an account of the operating system. */
  readonly name: string;
  /** What it may act as, for `@Authorize` and authorizers. Empty unless whoever knows it gave it some. */
  readonly roles: readonly string[];
  /** How it was proved: `"shared-secret"`, `"certificate"`, `"operating-system"`, or what another transport calls it. */
  readonly authenticatedBy: string;
}
