import { msgpackFormatter } from "remoting";
import { describeOneWayChannel } from "./one-way-suite.ts";

describeOneWayChannel("mailslot:// with msgpack", msgpackFormatter);
