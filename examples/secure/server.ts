// Lets in only those who know one of two secrets, and lets each do what its roles allow.
import { RemotingDomain, sharedSecrets, tcpChannel } from "remoting";
import { Ledger } from "./contract.ts";
import { officeSecret, tillSecret } from "./secrets.ts";

const domain = new RemotingDomain({
  // Asked about each call that @Authorize lets in, before its arguments are decoded. Of a till, only booking is known.
  authorizer: ({ principal, typeName, method }) =>
    principal?.name.startsWith("till-") !== true || (typeName === "Ledger" && method === "book"),
});
// Who is refused is told so; this side is told why. A real server would log it.
domain.on("unobservedError", () => {});
domain.registerChannel(
  tcpChannel({
    authentication: sharedSecrets({
      "till-7": { secret: tillSecret, roles: ["clerk"] },
      office: { secret: officeSecret, roles: ["manager"] },
    }),
  }),
);
const host = await domain.serve("tcp://127.0.0.1:6104", [Ledger]);
console.log(`Serving at ${host.urls}`);
