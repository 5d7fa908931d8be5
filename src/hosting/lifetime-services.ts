/** How long the objects of a domain live (System.Runtime.Remoting.Lifetime.LifetimeServices). */
import { dispose } from "../activation/disposal.ts";
import type { BeginLifetime, ServiceLifetime } from "../activation/service-lifetime.ts";
import type { IncomingCall } from "../channels/call-dispatcher.ts";
import type { LeaseSettings } from "../contract/lease-settings.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { systemClock } from "../lifetime/clock.ts";
import { InitialLease } from "../lifetime/initial-lease.ts";
import { Lease } from "../lifetime/lease.ts";
import { LeaseManager } from "../lifetime/lease-manager.ts";
import {
  checkLeaseOptions,
  checkLeaseSettings,
  defaultLeaseOptions,
  type LeaseOptions,
  type LifetimeRules,
} from "../lifetime/lifetime-options.ts";
import type { LeaseOwner, ObjectLease } from "../lifetime/object-lease.ts";
import type { ObjectLifetimes } from "../lifetime/object-table.ts";
import { ObjectUse } from "../lifetime/object-use.ts";
import { localSponsorship } from "./sponsorships.ts";

/** What they need of their domain. */
export interface LifetimeDomain {
  /** Tells the domain's listeners that an object can no longer be reached. */
  disconnected(object: object): void;
  /** Takes an error that no call can report. */
  unobserved(error: unknown): void;
}

/** See the head of this file. */
export class LifetimeServices implements ObjectLifetimes {
  readonly #domain: LifetimeDomain;
  readonly #rules: LifetimeRules;
  /** One lease for each object, whichever ways lead to it. */
  readonly #leases = new WeakMap<object, ObjectLease>();
  readonly #views = new WeakMap<ObjectLease, Lease>();
  #options: Required<LeaseOptions>;
  #manager: LeaseManager | undefined;

  constructor(domain: LifetimeDomain, rules: LifetimeRules, options: LeaseOptions) {
    checkLeaseOptions(options);
    if (rules !== "held" && rules !== "dotnet") {
      throw new TypeError(`lifetime must be "held" or "dotnet", not ${JSON.stringify(rules)}`);
    }
    this.#domain = domain;
    this.#rules = rules;
    this.#options = { ...defaultLeaseOptions, clock: systemClock, ...options };
  }

  get leasesArguments(): boolean {
    return this.#rules === "dotnet";
  }

  /** Changes the times, which is possible until the first lease has begun. Those that the program has given stay. */
  configure(configured: LeaseOptions, given: LeaseOptions): void {
    checkLeaseOptions(configured);
    if (this.#manager !== undefined) {
      throw new TypeError("Lease times are configured too late: the domain has leases already");
    }
    this.#options = { ...this.#options, ...configured, ...given };
  }

  #leaseManager(): LeaseManager {
    this.#manager ??= new LeaseManager({
      clock: this.#options.clock,
      leaseManagerPollTime: this.#options.leaseManagerPollTime,
      maxRenewal: this.#options.maxRenewal,
      runsWhileHeld: this.#rules === "dotnet",
      sponsorFailed: (error) => this.#domain.unobserved(error),
    });
    return this.#manager;
  }

  get #defaults(): LeaseSettings {
    const { leaseTime, renewOnCallTime, sponsorshipTimeout } = this.#options;
    return { initialLeaseTime: leaseTime, renewOnCallTime, sponsorshipTimeout };
  }

  /** What the object itself says; `undefined` if nothing. */
  #ownSettings(object: object): Readonly<LeaseSettings> | null | undefined {
    if (!(object instanceof MarshalByRefObject) || object.initializeLifetimeService === undefined) {
      return undefined;
    }
    const lease = new InitialLease(this.#defaults);
    const changes = object.initializeLifetimeService(lease);
    if (changes === null) return null;
    const typeName = object.constructor.name;
    if (typeof changes !== "object") {
      throw new TypeError(
        `${typeName}.initializeLifetimeService returned ${String(changes)}: expected lease times, or null for ever`,
      );
    }
    checkLeaseSettings(changes, typeName);
    return endless(lease.begin(changes));
  }

  settingsOf(object: object): Readonly<LeaseSettings> | null {
    const own = this.#ownSettings(object);
    return own === undefined ? endless(this.#defaults) : own;
  }

  /** The same for what the domain publishes itself: for ever, unless the object says otherwise or .NET's rules hold. */
  settingsOfPublished(object: object): Readonly<LeaseSettings> | null {
    const own = this.#ownSettings(object);
    if (own !== undefined) return own;
    return this.#rules === "dotnet" ? endless(this.#defaults) : null;
  }

  leaseOf(object: object, settings: Readonly<LeaseSettings>): ObjectLease {
    let lease = this.#leases.get(object);
    if (lease === undefined || lease.state === "Expired") {
      lease = this.#leaseManager().begin(settings);
      this.#leases.set(object, lease);
    }
    return lease;
  }

  hasLease(object: object): boolean {
    return this.presentLease(object) !== undefined;
  }

  /** The lease that an object has at present. */
  presentLease(object: object): ObjectLease | undefined {
    const lease = this.#leases.get(object);
    return lease?.state === "Expired" ? undefined : lease;
  }

  /** A lease as this domain itself sees it. */
  view(lease: ObjectLease): Lease {
    let view = this.#views.get(lease);
    if (view === undefined) {
      view = new Lease(lease, localSponsorship);
      this.#views.set(lease, view);
    }
    return view;
  }

  disconnected(object: object): void {
    this.#domain.disconnected(object);
  }

  /** Gives a Singleton its lease, if it wants one. It is disposed of when that has run out, since the domain has made it. */
  readonly beginSingleton: BeginLifetime = (object, onExpired) =>
    this.#beginService(object, this.settingsOfPublished(object), () => {
      onExpired();
      void dispose(object).catch((error: unknown) => this.#domain.unobserved(error));
    });

  /** Gives an object its lease that was published at a URI, if it wants one. */
  readonly beginPublished: BeginLifetime = (object, onExpired) =>
    this.#beginService(object, this.settingsOfPublished(object), onExpired);

  #beginService(
    object: object,
    settings: Readonly<LeaseSettings> | null,
    onExpired: () => void,
  ): ServiceLifetime | undefined {
    if (settings === null) return undefined;
    const use = new ObjectUse();
    const lease = this.leaseOf(object, settings);
    const owner: LeaseOwner = {
      use,
      expired: () => {
        this.#domain.disconnected(object);
        onExpired();
      },
    };
    lease.addOwner(owner);
    return {
      renewOnCall: () => lease.renewOnCall(),
      observe: (result: unknown, call: IncomingCall) => use.observe(result, call),
      end: () => lease.removeOwner(owner),
    };
  }

  /** No lease runs out any more. */
  close(): void {
    this.#manager?.close();
  }
}

/** A lease that never ends is none, as in .NET. */
function endless(settings: Readonly<LeaseSettings>): Readonly<LeaseSettings> | null {
  return settings.initialLeaseTime > 0 ? settings : null;
}
