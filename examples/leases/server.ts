import { RemotingDomain } from "remoting";
import { Desk } from "./contract.ts";

// .NET's rules: what is idle goes, although it is held. Without them, what a connected client holds stays.
const domain = new RemotingDomain({ lifetime: "dotnet", leases: { leaseManagerPollTime: 200 } });
const host = await domain.serve("tcp://127.0.0.1:6105", [Desk]);
console.log(`Serving at ${host.urls}`);
