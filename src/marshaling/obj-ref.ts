/** What travels in place of an object that stays where it is. */

/** Describes a by-reference object to a peer (System.Runtime.Remoting.ObjRef). */
export interface ObjRef {
  /** 128 random bits as 22 characters: knowing it is what allows to use it. */
  readonly id: string;
  /** The name of the object's type, or `undefined` for a function. */
  readonly typeName: string | undefined;
  /**
   * The URL of the well-known object behind it, if whoever passes it is not its owner: the receiver may be the owner, or
   * be allowed to go there itself.
   */
  readonly origin?: string | undefined;
}

/** The longest id or type name that is read from a peer. */
export const maxNameLength = 255;

/** The longest URL. */
export const maxOriginLength = 2048;
