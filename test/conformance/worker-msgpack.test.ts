import { msgpackFormatter } from "remoting";
import { overMessagePort } from "./conformance-setup.ts";
import { describeConformance } from "./conformance-suite.ts";

describeConformance("memory:// to a worker with msgpack", overMessagePort(msgpackFormatter));
