import { msgpackFormatter } from "remoting";
import { inProcess, memoryUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("memory:// with msgpack", inProcess(memoryUrl, msgpackFormatter));
