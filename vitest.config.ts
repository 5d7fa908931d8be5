import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Node 20 knows no decorators: esbuild (vite 7) has to lower them.
  esbuild: { target: "es2022" },
  resolve: {
    alias: [
      { find: /^remoting$/, replacement: source("./src/index.ts") },
      { find: /^remoting\/spi$/, replacement: source("./src/spi.ts") },
      { find: /^remoting\/call-context$/, replacement: source("./src/call-context.ts") },
      { find: /^remoting\/ipc$/, replacement: source("./src/ipc.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // A hang is what these find. No test takes a quarter of it here, so that a machine four times slower fails none.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
