import { msgpackFormatter } from "remoting";
import { inProcess, tcpsUrl } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("tcps:// with msgpack", inProcess(tcpsUrl, msgpackFormatter));
