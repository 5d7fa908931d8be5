// Four clients: two with their secrets, one with a wrong one, one with none.
import { RemotingDomain, type SharedSecret, sharedSecret, tcpChannel } from "remoting";
import { Ledger } from "./contract.ts";
import { officeSecret, tillSecret } from "./secrets.ts";

const url = "tcp://127.0.0.1:6104";

function connect(credentials?: SharedSecret): RemotingDomain {
  const domain = new RemotingDomain();
  domain.registerChannel(tcpChannel(credentials === undefined ? {} : { credentials }));
  return domain;
}

async function attempt(what: string, call: Promise<unknown>): Promise<void> {
  console.log(`${what}: ${await call.catch((error: Error) => `${error.name}: ${error.message}`)}`);
}

await using till = connect(sharedSecret({ name: "till-7", secret: tillSecret }));
await using office = connect(sharedSecret({ name: "office", secret: officeSecret }));
await using liar = connect(sharedSecret({ name: "office", secret: "what could it be, what could it be?" }));
await using stranger = connect();

await attempt("till books", till.getObject(Ledger, url).book(12));
await attempt("till closes", till.getObject(Ledger, url).close());
await attempt("till asks", till.getObject(Ledger, url).total());
await attempt("office asks", office.getObject(Ledger, url).total());
await attempt("office closes", office.getObject(Ledger, url).close());
await attempt("liar", liar.getObject(Ledger, url).total());
await attempt("stranger", stranger.getObject(Ledger, url).total());
