/**
 * The values that formatters know: JSON's, and `undefined`, binaries and {@link Tagged}. Everything richer
 * (maps, dates, references, classes) is made of these before formatting, so formatters never see objects.
 */

/**
 * What a formatter encodes. Numbers include NaN, infinities and -0. Objects have string keys only, and at most
 * {@link maxObjectKeys}: what has more is no record but a dictionary, and comes as a {@link Tagged} list.
 */
export type WireValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Tagged
  | readonly WireValue[]
  | { readonly [key: string]: WireValue };

/**
 * A value that is not what it seems: `items[0]` is the tag, the rest its content. The meaning of the tags is
 * `marshaling/`'s; a formatter only keeps a tagged value apart from an array, and hands each one that it
 * decodes, innermost first, to the resolver.
 */
export class Tagged {
  readonly items: readonly [tag: number, ...content: WireValue[]];

  constructor(items: readonly [tag: number, ...content: WireValue[]]) {
    this.items = items;
  }
}

/** Knows what tagged values stand for. */
export interface TagResolver {
  /** Turns the items of a decoded {@link Tagged} into what they stand for. Throws `SerializationError`. */
  resolve(items: readonly unknown[]): unknown;
}

/** The most keys that a plain object has when it comes to a formatter. */
export const maxObjectKeys = 64;
