// The classic sample's three objects: the same class body, activated in three ways.
import { ClientActivated, MarshalByRefObject, SingleCall, Singleton } from "remoting";

/** What all three have. .NET's sample has a property; between processes it is two methods. */
abstract class RemoteObject extends MarshalByRefObject {
  #value = 0;

  getRemoteObjectType(): string {
    return this.constructor.name;
  }

  getProcessId(): number {
    return process.pid;
  }

  getFloat(): number {
    return this.#value;
  }

  setFloat(value: number): void {
    this.#value = value;
  }
}

/** A new object for each call: what one call has set, the next one does not find. */
@SingleCall("SingleCallService")
export class SingleCallObject extends RemoteObject {}

/** One object for all: what one client has set, every client finds. */
@Singleton("SingletonService")
export class SingletonObject extends RemoteObject {}

/** An object for each client that asks. */
@ClientActivated("ClientActivatedService")
export class ClientActivatedObject extends RemoteObject {}
