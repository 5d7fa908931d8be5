// The two ways in which the floor uses msgpackr: with records, whose keys cross once for each connection, and
// with plain maps. Each direction of a connection has an instance of its own, because records are numbered in
// it.

import { Packr, Unpackr } from "msgpackr";

const optionsOf = (variant: string) =>
  variant.startsWith("records") ? { sequential: true } : { useRecords: false };

export const createEncoder = (variant: string): Packr => new Packr(optionsOf(variant));

export const createDecoder = (variant: string): Unpackr => new Unpackr(optionsOf(variant));
