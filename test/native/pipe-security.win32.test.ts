/** Whom a client of a pipe trusts on Windows; pipe-security.posix.test.ts is the counterpart. */
import { ConnectError, MarshalByRefObject, pipeChannel, RemotingDomain, Singleton } from "remoting";
import { expect, onTestFinished, test } from "vitest";
import { clientOf, failureOf, newName, serverOf } from "./pipe-pair.ts";

const onWindows = process.platform === "win32";
const everybody = "D:(A;;GA;;;WD)";
const guests = "S-1-5-32-546";
/**
 * A pipe of somebody else, without somebody else: the owner is named in the descriptor. Wine lets everybody do that,
 * Windows only who may restore backups.
 */
const ofGuests = { sddl: `O:${guests}${everybody}` };

@Singleton("Greeter")
class Greeter extends MarshalByRefObject {
  greet(): string {
    return "hello";
  }
}

function newDomain(security: { sddl?: string; trustedOwner?: string }): RemotingDomain {
  const domain = new RemotingDomain();
  onTestFinished(() => domain.close());
  domain.registerChannel(pipeChannel({ security }));
  return domain;
}

test.runIf(onWindows)("a pipe of somebody else is not opened, unless its owner is trusted", async () => {
  const name = newName();
  const server = serverOf(name, { security: ofGuests });
  const waiting = server.waitForConnection();
  const error = await failureOf(clientOf(name).connect());
  expect(error).toMatchObject({ fault: "access-denied", message: expect.stringContaining(guests) });
  // It was open for a moment, as far as the server can see.
  await waiting;
  server.disconnect();
  const trusting = clientOf(name, { trustedOwner: guests });
  await Promise.all([server.waitForConnection(), trusting.connect()]);
  expect(trusting.peer.userId).toBe(guests);
});

test.runIf(onWindows)("a pipe with a descriptor that names no owner is its maker's", async () => {
  const name = newName();
  const server = serverOf(name, { security: { sddl: everybody } });
  const client = clientOf(name);
  await Promise.all([server.waitForConnection(), client.connect()]);
  expect(client.peer.userId).toBe(server.peer.userId);
});

test.runIf(onWindows)("what is no descriptor is refused", () => {
  for (const sddl of ["nonsense", "D:(A;;GA;;;nobody)"]) {
    expect(() => serverOf(newName(), { security: { sddl } })).toThrow(/Cannot make the pipe/);
  }
});

test.runIf(onWindows)("pipe:// says nothing to a server of somebody else, unless it is trusted", async () => {
  const url = `pipe://${newName()}`;
  await newDomain(ofGuests).serve(url, [Greeter]);
  const error = await failureOf(newDomain({}).getObject(Greeter, url).greet());
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({ cause: { fault: "access-denied" } });
  expect(await newDomain({ trustedOwner: guests }).getObject(Greeter, url).greet()).toBe("hello");
});
