import { jsonFormatter } from "remoting";
import { inProcess, tcpsUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("tcps:// with json", inProcess(tcpsUrl, jsonFormatter));
