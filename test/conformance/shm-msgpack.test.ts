import { msgpackFormatter } from "remoting";
import { inProcess, shmUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("shm:// with msgpack", inProcess(shmUrl, msgpackFormatter));
