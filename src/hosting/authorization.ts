/** Decides who may call what: by the rules of the contracts, and by the domain's authorizer. */
import type { CallTarget, IncomingCall } from "../channels/call-dispatcher.ts";
import type { AccessRule } from "../contract/authorize.ts";
import { AccessDeniedError } from "../errors.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Principal } from "../messages/principal.ts";

/** A call about which an {@link Authorizer} is asked. Its arguments are not known: they have not been decoded. */
export interface AuthorizationRequest {
  /** Who calls; `undefined` if it has not proved who it is. */
  readonly principal: Principal | undefined;
  /** The connection that the call came over. */
  readonly peer: PeerInfo;
  /** `"call"` for a method, `"construct"` for `createInstance`. */
  readonly kind: "call" | "construct";
  /**
   * The name of the object's contract. `undefined` for a function that was passed. An object of another process that is
   * passed on here is what that process says it is.
   */
  readonly typeName: string | undefined;
  /** The URI of the object; for one that was passed or returned its id, which begins with `~`. */
  readonly uri: string;
  /** The method's name; empty for a function and for a construction. */
  readonly method: string;
}

/**
 * Decides about each call that comes to a domain, before its arguments are decoded, after `@Authorize` has let it pass.
 * Only `true` lets it in. Called for published objects, for those that were returned or passed by reference, for
 * functions, and, in a client's domain, for what its servers call back. To ask for an object's lease is the method
 * `~getLifetimeService`, and the lease itself an object of the type `~Lease`.
 *
 * While a promise is awaited, later calls of the same connection wait: they start in the order in which they were made.
 *
 * @throws AccessDeniedError to give the caller a reason. Anything else that it throws goes to `unobservedError`, and
 *   the caller is told no more than that it may not.
 */
export type Authorizer = (request: AuthorizationRequest) => boolean | Promise<boolean>;

const noRules: readonly AccessRule[] = [];

/** See the head of this file. */
export class Authorization {
  readonly #authorizer: Authorizer | undefined;
  readonly #unobserved: (error: unknown) => void;

  /** @param unobserved Takes what the authorizer throws and no caller may see. */
  constructor(authorizer: Authorizer | undefined, unobserved: (error: unknown) => void) {
    this.#authorizer = authorizer;
    this.#unobserved = unobserved;
  }

  /** The same target, which asks first whether the peer may; itself where everybody may. */
  guard(target: CallTarget, peer: PeerInfo): CallTarget {
    const rules = target.access?.rules ?? noRules;
    if (rules.length === 0 && this.#authorizer === undefined) return target;
    return {
      oneWay: target.oneWay,
      cacheable: target.cacheable,
      access: target.access,
      authorize: (call) => this.#authorize(target, rules, peer, call),
      invoke: (args, call) => target.invoke(args, call),
    };
  }

  /** Whether a peer may do everything with an object whose methods demand this, and nobody needs to be asked. */
  letsDoAll(rules: readonly AccessRule[], { principal }: PeerInfo): boolean {
    return this.#authorizer === undefined && allPermit(rules, principal);
  }

  /**
   * The same for what is not in any contract but belongs to an object of one, such as its lease: whoever may call one
   * of its methods may do that too, unless the authorizer says otherwise.
   */
  guardBeside(target: CallTarget, methods: Iterable<CallTarget>, peer: PeerInfo): CallTarget {
    const [...all] = methods;
    const typeName = all.find(({ access }) => access !== undefined)?.access?.typeName;
    const beside: CallTarget = {
      ...target,
      access: typeName === undefined ? undefined : { typeName, rules: [] },
    };
    if (all.length === 0 || all.some(({ access }) => (access?.rules.length ?? 0) === 0)) {
      return this.guard(beside, peer);
    }
    return {
      ...beside,
      authorize: (call) => {
        const { principal } = peer;
        const mayCallOne = all.some(
          ({ access }) => access !== undefined && allPermit(access.rules, principal),
        );
        if (!mayCallOne) throw denied(call, principal);
        return this.#authorize(beside, [], peer, call);
      },
    };
  }

  #authorize(
    { access }: CallTarget,
    rules: readonly AccessRule[],
    peer: PeerInfo,
    call: IncomingCall,
  ): undefined | Promise<undefined> {
    const { principal } = peer;
    if (!allPermit(rules, principal)) throw denied(call, principal);
    const authorizer = this.#authorizer;
    if (authorizer === undefined) return undefined;
    const { kind, target: uri, method } = call;
    let answer: unknown;
    try {
      answer = authorizer({ principal, peer, kind, typeName: access?.typeName, uri, method });
    } catch (error) {
      throw this.#refusal(error, call, principal);
    }
    if (answer === true) return undefined;
    if (!(answer instanceof Promise)) throw denied(call, principal);
    return answer.then(
      (allowed: unknown) => {
        if (allowed === true) return undefined;
        throw denied(call, principal);
      },
      (error: unknown) => {
        throw this.#refusal(error, call, principal);
      },
    );
  }

  #refusal(error: unknown, call: IncomingCall, principal: Principal | undefined): AccessDeniedError {
    if (error instanceof AccessDeniedError) return error;
    this.#unobserved(error);
    return denied(call, principal);
  }
}

/** Whether somebody meets all of these rules. */
export function allPermit(rules: readonly AccessRule[], principal: Principal | undefined): boolean {
  return rules.every((rule) => permits(rule, principal));
}

/** Whether a rule lets somebody in. */
export function permits(
  { roles, principals, anonymous }: AccessRule,
  principal: Principal | undefined,
): boolean {
  if (anonymous === true) return true;
  if (principal === undefined) return false;
  if (principals !== undefined && !principals.includes(principal.name)) return false;
  return roles === undefined || roles.some((role) => principal.roles.includes(role));
}

function denied({ kind, target, method }: IncomingCall, principal: Principal | undefined): AccessDeniedError {
  const who = principal === undefined ? "A caller that has not proved who it is" : `"${principal.name}"`;
  const published = target.startsWith("~") ? "of this object" : `of "${target}"`;
  const what =
    kind === "construct"
      ? `make an object ${published}`
      : method === ""
        ? "call this function"
        : `call "${method}" ${published}`;
  return new AccessDeniedError(`${who} may not ${what}`);
}
