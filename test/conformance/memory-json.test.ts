import { jsonFormatter } from "remoting";
import { inProcess, memoryUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("memory:// with json", inProcess(memoryUrl, jsonFormatter));
