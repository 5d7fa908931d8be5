/** How long a domain lets objects live: .NET's times, and where it differs from .NET's rules. */
import type { LeaseSettings } from "../contract/lease-settings.ts";
import type { Clock } from "./clock.ts";

/**
 * Which leases run: `"held"`, those of objects that no connected peer holds; `"dotnet"`, all of them, so that an idle
 * object expires although it is held.
 */
export type LifetimeRules = "held" | "dotnet";

/** The times of a domain's leases in milliseconds (LifetimeServices). */
export interface LeaseOptions {
  /** How long an object lives at first, and after the connection of its last holder was lost. Default 5 minutes, as in .NET. */
  readonly leaseTime?: number;
  /** For how long, from then, a call renews a lease at least. Default 2 minutes, as in .NET. */
  readonly renewOnCallTime?: number;
  /** How long a sponsor has to answer. Default 2 minutes, as in .NET. */
  readonly sponsorshipTimeout?: number;
  /** How often leases are looked at. Default 10 seconds, as in .NET: an object lives up to so much longer. */
  readonly leaseManagerPollTime?: number;
  /**
   * The most that `renew`, `register` or a sponsor's answer can ask for at a time. Default 24 hours: whoever forgets
   * an object for longer than a day is not coming back.
   */
  readonly maxRenewal?: number;
  /** The clock by which leases run. Default: the system's monotonic one. */
  readonly clock?: Clock;
}

const minute = 60_000;

/** .NET's times. */
export const defaultLeaseOptions = {
  leaseTime: 5 * minute,
  renewOnCallTime: 2 * minute,
  sponsorshipTimeout: 2 * minute,
  leaseManagerPollTime: 10_000,
  maxRenewal: 24 * 60 * minute,
} as const;

/** Throws TypeError for a time that is none. */
export function checkLeaseOptions(options: LeaseOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (name === "clock") continue;
    if (!(name in defaultLeaseOptions)) {
      throw new TypeError(
        `There is no lease option named ${name}: expected clock, ${Object.keys(defaultLeaseOptions).join(", ")}`,
      );
    }
    if (typeof value !== "number" || !(value >= 0)) {
      throw new TypeError(`The lease option ${name} must be a number of milliseconds, not ${String(value)}`);
    }
  }
  if (options.leaseManagerPollTime === 0) {
    throw new TypeError("leaseManagerPollTime must be more than 0: it is how often leases are looked at");
  }
}

const settingNames = ["initialLeaseTime", "renewOnCallTime", "sponsorshipTimeout"] as const;

/** Throws TypeError for settings that a class gives and that are none. */
export function checkLeaseSettings(settings: Partial<LeaseSettings>, typeName: string): void {
  for (const name of settingNames) {
    const value = settings[name];
    if (value !== undefined && (typeof value !== "number" || Number.isNaN(value))) {
      throw new TypeError(
        `${typeName}.initializeLifetimeService gave ${name} as ${String(value)}: expected a number of milliseconds`,
      );
    }
  }
}
