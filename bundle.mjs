// Bundles src/ into dist/: one file for each entry point and a few that they share. The declarations beside them come
// from tsc.
//
// A process that imports 170 modules needs twice as long for it as one that imports six, and keeps the text of all of
// them, comments included, in its heap. That is half a megabyte, which counts for more than it seems: below 8 MiB, V8
// leaves large messages to its quick collections (incremental marking begins above), and 1 MiB over tcp:// is twice as
// fast. Rollup, because it leaves classes and functions as they are: esbuild's bundles rename classes, and what keeps
// their names costs 256 bytes for each closure. Source maps lead back to src/.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { rollup } from "rollup";

const root = import.meta.dirname;

/** Removes types and comments. */
const typescript = {
  name: "typescript",
  transform: (code, id) =>
    transform(code, {
      loader: "ts",
      target: "node20.19",
      sourcefile: id,
      sourcemap: true,
      minifyWhitespace: true,
      // Positions in stacks stay of some use without source maps.
      lineLimit: 120,
    }),
};

rmSync(join(root, "dist"), { recursive: true, force: true });

const bundle = await rollup({
  input: ["index", "spi", "ipc", "call-context"].map((entry) => join(root, "src", `${entry}.ts`)),
  external: (specifier) => !/^[./]/.test(specifier),
  plugins: [typescript],
  onwarn(warning) {
    throw new Error(warning.message);
  },
});
await bundle.write({
  dir: join(root, "dist"),
  format: "es",
  chunkFileNames: "shared/[name]-[hash].js",
  sourcemap: true,
});
await bundle.close();
