/** A worker thread that calls over `shm://` and then stays, with all it has open, until it is terminated. */
import { parentPort, workerData } from "node:worker_threads";
import { getObject, type MarshalByRefObject } from "remoting";

interface Who extends MarshalByRefObject {
  name(): unknown;
}

await getObject<Who>(`${String(workerData)}/Who`).name();
parentPort?.postMessage("called");
setInterval(() => {}, 1000);
