/** An error that no call reports and nobody listens for is not lost: Node prints a warning, known by its code. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("./fixtures/unobserving-program.ts", import.meta.url));

test.each([
  ["error", "the error itself", "RangeError: the disk is full", "Journal.log ("],
  ["just text", "just text", "just text", ""],
])("thrown as %s", async (kind, kept, text, place) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, kind], {
    timeout: 50_000,
  });
  expect(stdout).toBe(`REMOTING_UNOBSERVED_ERROR, cause: ${kept}\n`);
  expect(stderr).toContain("[REMOTING_UNOBSERVED_ERROR]");
  expect(stderr).toContain(`Nobody listens for unobservedError: ${text}`);
  expect(stderr).toContain(place);
  // The call and the peer that it came from.
  expect(stderr).toContain(`${text} (Journal.log, from memory:unobserved (client) to memory://unobserved)`);
});
