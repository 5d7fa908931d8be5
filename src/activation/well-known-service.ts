/** Server-activated objects: published at a URI, made when they are called. */
import type { CallTarget, IncomingCall } from "../channels/call-dispatcher.ts";
import type { Class } from "../contract/class.ts";
import { construct } from "./construction.ts";
import { dispose } from "./disposal.ts";
import type { MethodTable, RemoteMethod } from "./remote-method.ts";
import type { BeginLifetime, ServiceLifetime } from "./service-lifetime.ts";

/** What is published at one URI. */
export interface WellKnownService {
  /** What makes the objects: the class, or the object itself. Publishing the same again changes nothing. */
  readonly source: object;
  /** The published object, if there is one at present: `undefined` for SingleCall, and before the first call. */
  readonly object: object | undefined;
  /** The methods that can be called, each ready to be run. */
  readonly targets: ReadonlyMap<string, CallTarget>;
  /** The published object, made if need be; `undefined` where each call has one of its own. */
  activate(): object | Promise<object> | undefined;
  /** It is published no longer. */
  withdrawn(): void;
}

/** Runs a method on the object that `activate` provides. */
type Activate = (method: RemoteMethod, args: readonly unknown[], call: IncomingCall) => unknown;

function createTargets(methods: MethodTable, activate: Activate): ReadonlyMap<string, CallTarget> {
  return new Map(
    [...methods].map(([name, { oneWay, access, call: method }]) => [
      name,
      { oneWay, access, cacheable: true, invoke: (args, call) => activate(method, args, call) },
    ]),
  );
}

/** One object for each call, disposed of once its result has been serialized (WellKnownObjectMode.SingleCall). */
export class SingleCallService implements WellKnownService {
  readonly source: object;
  readonly object = undefined;
  readonly targets: ReadonlyMap<string, CallTarget>;

  /** @param onDisposeError Takes what an object throws while it is disposed of. */
  constructor(type: Class<object>, methods: MethodTable, onDisposeError: (error: unknown) => void) {
    this.source = type;
    this.targets = createTargets(methods, (method, args, call) => {
      const run = (object: object) => {
        call.onCompleted = () => void dispose(object).catch(onDisposeError);
        return Reflect.apply(method, object, args);
      };
      const created = construct(type, []);
      return created instanceof Promise ? created.then(run) : run(created);
    });
  }

  activate(): undefined {}

  withdrawn(): void {}
}

/**
 * One object for all calls, made at the first (WellKnownObjectMode.Singleton). If it has a lease and that runs out, it is
 * made anew at the next call.
 */
export class SingletonService implements WellKnownService {
  readonly source: object;
  readonly targets: ReadonlyMap<string, CallTarget>;
  readonly #type: Class<object>;
  readonly #beginLifetime: BeginLifetime;
  #object: object | undefined;
  #lifetime: ServiceLifetime | undefined;
  #creation: Promise<object> | undefined;

  /** @param beginLifetime Called with each object that is made. */
  constructor(type: Class<object>, methods: MethodTable, beginLifetime: BeginLifetime) {
    this.source = type;
    this.#type = type;
    this.#beginLifetime = beginLifetime;
    this.targets = createTargets(methods, (method, args, call) => {
      const object = this.#object ?? this.#create();
      return object instanceof Promise
        ? object.then((made) => runOn(made, this.#lifetime, method, args, call))
        : runOn(object, this.#lifetime, method, args, call);
    });
  }

  get object(): object | undefined {
    return this.#object;
  }

  activate(): object | Promise<object> {
    return this.#object ?? this.#create();
  }

  withdrawn(): void {
    this.#lifetime?.end();
    this.#lifetime = undefined;
  }

  #keep(object: object): object {
    this.#object = object;
    this.#lifetime = this.#beginLifetime(object, () => {
      this.#object = undefined;
      this.#lifetime = undefined;
    });
    return object;
  }

  #create(): object | Promise<object> {
    if (this.#creation !== undefined) return this.#creation;
    const created = construct(this.#type, []);
    if (!(created instanceof Promise)) return this.#keep(created);
    // Calls that come meanwhile wait for the same object. One that could not be made is tried again.
    this.#creation = created.then(
      (object) => {
        this.#creation = undefined;
        return this.#keep(object);
      },
      (error: unknown) => {
        this.#creation = undefined;
        throw error;
      },
    );
    return this.#creation;
  }
}

/** An object that the application made and published itself (RemotingServices.Marshal with a URI). */
export class PublishedObject implements WellKnownService {
  readonly source: object;
  readonly object: object;
  readonly targets: ReadonlyMap<string, CallTarget>;
  #lifetime: ServiceLifetime | undefined;

  constructor(object: object, methods: MethodTable) {
    this.source = object;
    this.object = object;
    this.targets = createTargets(methods, (method, args, call) =>
      runOn(object, this.#lifetime, method, args, call),
    );
  }

  /** Gives it its lease, if it has one. */
  begin(lifetime: ServiceLifetime | undefined): void {
    this.#lifetime = lifetime;
  }

  activate(): object {
    return this.object;
  }

  withdrawn(): void {
    this.#lifetime?.end();
  }
}

/** Runs a method on an object, and lets its lease, if it has one, know of it. */
function runOn(
  object: object,
  lifetime: ServiceLifetime | undefined,
  method: RemoteMethod,
  args: readonly unknown[],
  call: IncomingCall,
): unknown {
  if (lifetime === undefined) return Reflect.apply(method, object, args);
  lifetime.renewOnCall();
  return lifetime.observe(Reflect.apply(method, object, args), call);
}
