// A worker thread that runs TypeScript: workers do not take the loader of their process along.
import { register } from "tsx/esm/api";

register();
await import("./call-and-stay.ts");
