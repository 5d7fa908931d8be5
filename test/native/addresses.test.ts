/** The same mistake with an address has the same class and code on every channel. */
import { randomUUID } from "node:crypto";
import { ConnectError, MarshalByRefObject, OneWay, RemotingDomain, RemotingError, Singleton } from "remoting";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../free-port.ts";

@Singleton("Log")
class Log extends MarshalByRefObject {
  @OneWay()
  write(_line: string): void {}
}

@Singleton("Clock")
class Clock extends MarshalByRefObject {
  now(): number {
    return 0;
  }
}

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  return domain;
}

const schemes = ["tcp", "memory", "pipe", "shm", "mailslot"] as const;

async function newUrl(scheme: string): Promise<string> {
  return `${scheme}://${scheme === "tcp" ? `127.0.0.1:${await freePort()}` : `addresses-${randomUUID()}`}`;
}

const failureOf = (promise: Promise<unknown>) => promise.then(String, (error: unknown) => error);

test.each(schemes)("%s: one that is taken", async (scheme) => {
  const url = await newUrl(scheme);
  await newDomain().serve(url, [Log]);
  const error = await failureOf(newDomain().serve(url, [Log]));
  expect(Object.getPrototypeOf(error)).toBe(RemotingError.prototype);
  expect(error).toMatchObject({
    code: "ERR_REMOTING",
    message: expect.stringContaining(`Cannot listen on ${url}: `),
    cause: expect.any(Error),
  });
});

test.each(["tcp://127.0.0.1", "shm://a b", "pipe://..", "mailslot://.."])(
  "%s: one that cannot be listened on",
  async (url) => {
    await expect(newDomain().serve(url, [Log])).rejects.toBeInstanceOf(TypeError);
  },
);

test.each(["tcp://127.0.0.1", "tcps://127.0.0.1", "shm://a b", "pipe://.."])(
  "%s: one that cannot be connected to",
  async (url) => {
    expect(await failureOf(newDomain().getObject(Clock, url).now())).toBeInstanceOf(ConnectError);
  },
);

test("a mailslot's is told before the first call", () => {
  expect(() => newDomain().getObject(Log, "mailslot://..")).toThrow(TypeError);
});
