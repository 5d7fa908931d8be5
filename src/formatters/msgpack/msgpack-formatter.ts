/** MessagePack: compact, fast, binary. The default. */
import type { Formatter } from "../../spi.ts";
import { MsgpackCodec } from "./msgpack-codec.ts";

/**
 * The default formatter (BinaryServerFormatterSinkProvider's place).
 *
 * Small calls are encoded directly; everything else by the `msgpackr` library, whose extras (regular
 * expressions, pointers, records defined within a payload) are off.
 */
export function msgpackFormatter(): Formatter {
  return { name: "msgpack", createCodec: (options) => new MsgpackCodec(options) };
}
