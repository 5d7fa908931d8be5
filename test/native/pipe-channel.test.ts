/** What `pipe://` has that other channels have not; the rest is in test/conformance. */
import { once } from "node:events";
import { userInfo } from "node:os";
import { AccessDeniedError, ConnectError, MarshalByRefObject, RemotingDomain, Singleton } from "remoting";
import { CallContext } from "remoting/call-context";
import { openIpcResources } from "remoting/ipc";
import { expect, onTestFinished, test } from "vitest";
import { failureOf, newName } from "./pipe-pair.ts";

@Singleton("Echo")
class Echo extends MarshalByRefObject {
  echo(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}

@Singleton("Passport")
class Passport extends MarshalByRefObject {
  whoami(): string {
    return CallContext.current?.principal?.name ?? "nobody";
  }

  vault(): string {
    return "gold";
  }
}

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain();
  onTestFinished(() => domain.close());
  return domain;
}

test("each side knows the other's process and user, on the operating system's word", async () => {
  const url = `pipe://${newName()}`;
  const server = newDomain();
  const client = newDomain();
  await server.serve(url, [Echo]);
  const events = Promise.all([once(server, "connected"), once(client, "connected")]);
  await client.getObject(Echo, url).echo(new Uint8Array(3));
  for (const [peer] of await events) {
    expect(peer.principal).toMatchObject({
      authenticatedBy: "operating-system",
      processId: process.pid,
      name: expect.stringMatching(/./),
      userId: expect.stringMatching(/./),
      roles: [],
    });
  }
});

test("an authorizer decides by the account that the operating system names, and the method sees the same", async () => {
  const me = userInfo().username;
  const url = `pipe://${newName()}`;
  const asked: (string | undefined)[] = [];
  const server = new RemotingDomain({
    authorizer: ({ principal, method }) => {
      asked.push(principal?.name);
      return principal?.authenticatedBy === "operating-system" && method === "whoami";
    },
  });
  onTestFinished(() => server.close());
  await server.serve(url, [Passport]);
  const passport = newDomain().getObject(Passport, url);
  const name = await passport.whoami();
  expect(name.split("\\").at(-1)).toBe(me);
  const refusal = await failureOf(passport.vault());
  expect(refusal).toBeInstanceOf(AccessDeniedError);
  expect(asked).toEqual([name, name]);
});

test("a name that is served is refused, and free again when its server has closed", async () => {
  const url = `pipe://${newName()}`;
  const first = newDomain();
  const host = await first.serve(url, [Echo]);
  const second = newDomain();
  const error = await failureOf(second.serve(url, [Echo]));
  expect(error).toMatchObject({
    name: "RemotingError",
    code: "ERR_REMOTING",
    message: expect.stringContaining(`Cannot listen on ${url}: `),
    cause: { name: "IpcError", fault: "in-use" },
  });
  await host.close();
  await second.serve(url, [Echo]);
  expect(await newDomain().getObject(Echo, url).echo(new Uint8Array(2))).toHaveLength(2);
});

test("nobody there is an error at once", async () => {
  const echo = newDomain().getObject(Echo, `pipe://${newName()}`);
  const error = await failureOf(echo.echo(new Uint8Array(1)));
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({
    cause: { fault: "not-found" },
    message: expect.stringContaining("start its server first"),
  });
});

test("large payloads both ways at once, and nothing stays open", async () => {
  const open = openIpcResources();
  const url = `pipe://${newName()}`;
  await using server = new RemotingDomain();
  await server.serve(url, [Echo]);
  {
    await using client = new RemotingDomain();
    const echo = client.getObject(Echo, url);
    const bytes = Buffer.alloc(3_000_000, 7);
    const answers = await Promise.all(Array.from({ length: 4 }, () => echo.echo(bytes)));
    for (const answer of answers) expect(bytes.equals(answer)).toBe(true);
  }
  await server.close();
  // On Windows the completion port stays, once for each thread.
  expect(openIpcResources() - open).toBeLessThanOrEqual(1);
});
