/** vitest's configuration for runs with Windows' node.exe under Wine. */
import { defaultExclude, mergeConfig } from "vitest/config";
import base from "../../vitest.config.ts";
import { skips } from "./suites.ts";

export default mergeConfig(base, {
  test: {
    exclude: [...defaultExclude, ...skips.filter(({ test }) => test === undefined).map(({ file }) => file)],
    setupFiles: [".ci/windows/skip-under-wine.ts"],
    // Everything takes several times as long as without Wine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
