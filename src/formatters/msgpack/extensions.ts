/**
 * Teaches msgpackr the one type that is ours. Its extensions are global to the process, so this is done once,
 * and what a decoding needs is kept here while it runs; it is synchronous, and nested ones restore it.
 */
import { addExtension } from "msgpackr";
import { Tagged, type TagResolver } from "../../spi.ts";
import { extension } from "./token.ts";

let currentResolver: TagResolver | undefined;

addExtension({
  Class: Tagged,
  type: extension.tagged,
  write: (tagged: Tagged) => tagged.items,
  read: (items: unknown[]) => currentResolver?.resolve(items),
});

/** Decodes with `resolver` for the tagged values. */
export function withResolver<T>(resolver: TagResolver, decode: () => T): T {
  const outer = currentResolver;
  currentResolver = resolver;
  try {
    return decode();
  } finally {
    currentResolver = outer;
  }
}
