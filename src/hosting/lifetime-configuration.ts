/** The `lifetime` of a configuration file, with .NET's names and units. */
import type { LeaseOptions } from "../lifetime/lifetime-options.ts";

const names = ["leaseTime", "renewOnCallTime", "sponsorshipTimeout", "leaseManagerPollTime"] as const;

/** Milliseconds in each of .NET's units. Without one, a number is seconds. */
const units: Readonly<Record<string, number>> = { D: 86_400_000, H: 3_600_000, M: 60_000, S: 1_000, MS: 1 };

/**
 * Reads a duration as .NET Remoting writes them: an integer and `D`, `H`, `M`, `S` or `MS` in either case; seconds
 * without a unit. Returns milliseconds, or `undefined` for what is none.
 */
export function parseDuration(value: unknown): number | undefined {
  const match = /^(\d{1,12})(d|h|m|s|ms)?$/i.exec(typeof value === "number" ? String(value) : asText(value));
  if (match === null) return undefined;
  return Number(match[1]) * (units[(match[2] ?? "S").toUpperCase()] ?? 0);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

/** Reads the section. Throws TypeError that says what is wrong in it. */
export function parseLifetime(section: Readonly<Record<string, unknown>>, source: string): LeaseOptions {
  const options: { -readonly [Name in (typeof names)[number]]?: number } = {};
  for (const name of names) {
    const value = section[name];
    if (value === undefined) continue;
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) {
      throw new TypeError(
        `${source}: lifetime.${name} must be an integer with D, H, M, S or MS, or a number of seconds, not ${JSON.stringify(value)}`,
      );
    }
    options[name] = milliseconds;
  }
  return options;
}

/** The keys that the section may have. */
export const lifetimeKeys: readonly string[] = names;
