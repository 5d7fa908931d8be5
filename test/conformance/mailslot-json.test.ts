import { jsonFormatter } from "remoting";
import { describeOneWayChannel } from "./one-way-suite.ts";

describeOneWayChannel("mailslot:// with json", jsonFormatter);
