import { jsonFormatter } from "remoting";
import { inProcess, tcpUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("tcp:// with json", inProcess(tcpUrl, jsonFormatter));
