/** Server-activated objects: published at a URI, made when they are called. */
import type { CallTarget, IncomingCall } from "../channels/call-dispatcher.ts";
import type { Class } from "../contract/class.ts";
import { construct } from "./construction.ts";
import { dispose } from "./disposal.ts";
import type { MethodTable, RemoteMethod } from "./remote-method.ts";

/** What is published at one URI. */
export interface WellKnownService {
  /** What makes the objects: the class, or the object itself. Publishing the same again changes nothing. */
  readonly source: object;
  /** The published object, if there is one at present: `undefined` for SingleCall, and before the first call. */
  readonly object: object | undefined;
  /** The methods that can be called, each ready to be run. */
  readonly targets: ReadonlyMap<string, CallTarget>;
}

/** Runs a method on the object that `activate` provides. */
type Activate = (method: RemoteMethod, args: readonly unknown[], call: IncomingCall) => unknown;

function createTargets(methods: MethodTable, activate: Activate): ReadonlyMap<string, CallTarget> {
  return new Map(
    [...methods].map(([name, { oneWay, call: method }]) => [
      name,
      { oneWay, cacheable: true, invoke: (args, call) => activate(method, args, call) },
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
}

/** One object for all calls, made at the first (WellKnownObjectMode.Singleton). */
export class SingletonService implements WellKnownService {
  readonly source: object;
  readonly targets: ReadonlyMap<string, CallTarget>;
  #object: object | undefined;
  #creation: Promise<object> | undefined;

  constructor(type: Class<object>, methods: MethodTable) {
    this.source = type;
    this.targets = createTargets(methods, (method, args) => {
      const object = this.#object;
      if (object !== undefined) return Reflect.apply(method, object, args);
      const created = this.#create(type);
      return created instanceof Promise
        ? created.then((made) => Reflect.apply(method, made, args))
        : Reflect.apply(method, created, args);
    });
  }

  get object(): object | undefined {
    return this.#object;
  }

  #create(type: Class<object>): object | Promise<object> {
    if (this.#creation !== undefined) return this.#creation;
    const created = construct(type, []);
    if (!(created instanceof Promise)) {
      this.#object = created;
      return created;
    }
    // Calls that come meanwhile wait for the same object. One that could not be made is tried again.
    this.#creation = created.then(
      (object) => {
        this.#object = object;
        this.#creation = undefined;
        return object;
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

  constructor(object: object, methods: MethodTable) {
    this.source = object;
    this.object = object;
    this.targets = createTargets(methods, (method, args) => Reflect.apply(method, object, args));
  }
}
