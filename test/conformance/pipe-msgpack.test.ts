import { msgpackFormatter } from "remoting";
import { inProcess, pipeUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("pipe:// with msgpack", inProcess(pipeUrl, msgpackFormatter));
