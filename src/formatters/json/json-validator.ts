/** Bounds JSON before it is parsed: `JSON.parse` itself has no limits. */
import { LimitExceededError, type PayloadLimits } from "../../spi.ts";

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Checks nesting and the number of values of `bytes[start..end)`; whether it is JSON at all is left to the parser.
 *
 * @throws LimitExceededError
 */
export function checkJsonLimits(bytes: Buffer, start: number, end: number, limits: PayloadLimits): void {
  let depth = 0;
  let nodes = 1;
  let inString = false;
  for (let position = start; position < end; position++) {
    const byte = bytes[position];
    if (inString) {
      if (byte === backslash) position++;
      else if (byte === quote) inString = false;
      continue;
    }
    switch (byte) {
      case quote:
        inString = true;
        break;
      case openBracket:
      case openBrace:
        nodes++;
        if (++depth > limits.maxDepth) {
          throw new LimitExceededError(
            "maxDepth",
            `The payload is nested deeper than ${limits.maxDepth} levels: send a flatter structure, or raise maxDepth on the receiving side`,
          );
        }
        break;
      case closeBracket:
      case closeBrace:
        depth--;
        break;
      case comma:
        nodes++;
        break;
    }
    if (nodes > limits.maxNodes) {
      throw new LimitExceededError(
        "maxNodes",
        `The payload has more than ${limits.maxNodes} values: send less at a time, or raise maxNodes on the receiving side`,
      );
    }
  }
}
