// tsx does not reach into workers, so it is started in this one. What tsc has built needs no such file.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
