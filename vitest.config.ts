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
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
  },
});
