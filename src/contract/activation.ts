// How objects of a class come into being on the server, as its activation attribute says.

import type { AbstractClass, AnyClass } from "./class.ts";
import { classSite, type StandardContext } from "./decoration.ts";
import { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import { ClassMark } from "./metadata.ts";
import { checkObjectUri } from "./object-uri.ts";

/** Server-activated at a published URI: a new object for each call, or one object for all callers. */
export type WellKnownMode = "SingleCall" | "Singleton";

/**
 * The three ways in which a remote object comes into being. Mirrors `WellKnownObjectMode` and client
 * activation.
 */
export type ActivationMode = WellKnownMode | "ClientActivated";

/** What `@SingleCall`, `@Singleton` or `@ClientActivated` says about a class. */
export interface Activation {
  readonly mode: ActivationMode;
  /** The URI of the well-known object, or the name under which clients ask for new objects. */
  readonly uri: string;
}

const activationMark = new ClassMark<Activation>("remoting:activation");

/**
 * The activation attribute of exactly this class. It is not inherited: a subclass of a published class is
 * published only when it says so itself, under a URI of its own.
 */
export function activationOf(type: AnyClass): Activation | undefined {
  return activationMark.of(type);
}

/**
 * Records an activation attribute; what `@SingleCall`, `@Singleton` and `@ClientActivated` have in common.
 *
 * @throws TypeError when put on anything but a class that extends `MarshalByRefObject`, when the class has an
 * activation attribute already, or when the URI is illegal or missing on a class without a name
 */
export function recordActivation(
  mode: ActivationMode,
  uri: string | undefined,
  type: AbstractClass<MarshalByRefObject>,
  context: StandardContext | undefined,
): void {
  const decorator = `@${mode}()`;
  const { holder, className } = classSite(decorator, type, context);
  const name = className ?? "an anonymous class";
  if (!(type.prototype instanceof MarshalByRefObject)) {
    throw new TypeError(
      `${decorator} was put on ${name}, which does not extend MarshalByRefObject. ` +
        "Extend it, or use @Serializable() if objects of the class should travel by value.",
    );
  }
  const earlier = activationMark.recordedOn(holder);
  if (earlier !== undefined) {
    throw new TypeError(`${name} is both @${earlier.mode} and @${mode}. Keep one of them.`);
  }
  if (uri === undefined && className === undefined) {
    throw new TypeError(`${decorator} was put on a class without a name. Pass a URI: @${mode}("Counter").`);
  }
  activationMark.record(holder, { mode, uri: checkObjectUri(uri ?? className ?? "", name) });
}
