/** The ids of objects that are lent out: what nobody can guess. */
import { randomFillSync } from "node:crypto";

const idBytes = 16;
const randomPool = Buffer.alloc(idBytes * 256);
let randomUsed = randomPool.length;

/** 128 random bits. Drawn in bulk: one draw for each would cost more than all the rest of lending out. */
export function createObjectId(): string {
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  const id = randomPool.toString("base64url", randomUsed, randomUsed + idBytes);
  randomPool.fill(0, randomUsed, randomUsed + idBytes);
  randomUsed += idBytes;
  return `~${id}`;
}
