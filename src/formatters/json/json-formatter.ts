/** JSON: to read along on the wire, or to be understood by other programs. */
import type { Formatter } from "../../spi.ts";
import { JsonCodec } from "./json-codec.ts";

/** A formatter whose payloads people can read. Everything travels that travels with MessagePack, only slower. */
export function jsonFormatter(): Formatter {
  return { name: "json", createCodec: ({ limits }) => new JsonCodec(limits) };
}
