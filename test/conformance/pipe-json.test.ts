import { jsonFormatter } from "remoting";
import { inProcess, pipeUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("pipe:// with json", inProcess(pipeUrl, jsonFormatter));
