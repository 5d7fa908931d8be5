/** Large binaries are sent from where they are: what that means for those who change them too early. */
import { afterEach, expect, test } from "vitest";
import { MarshalByRefObject, OneWay, RemotingDomain, Singleton } from "../../../src/index.ts";

const mebibyte = 1024 * 1024;

let noted: ((distinct: number[]) => void) | undefined;

@Singleton("Sink")
class Sink extends MarshalByRefObject {
  @OneWay()
  note(bytes: Uint8Array): void {
    noted?.([...new Set(bytes)]);
  }

  measure(bytes: Uint8Array): number {
    return bytes.length;
  }
}

const domains: RemotingDomain[] = [];

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain();
  domains.push(domain);
  return domain;
}

async function connect() {
  const { urls } = await newDomain().serve("tcp://127.0.0.1:0", [Sink]);
  const sink = newDomain().getObject(Sink, `${urls[0]}/Sink`);
  await sink.measure(Buffer.alloc(1));
  return sink;
}

afterEach(async () => {
  for (const domain of domains.splice(0)) await domain.close();
});

test("one that was passed to a one-way call is the caller's again when the call has returned", async () => {
  const sink = await connect();
  const arrived = new Promise<number[]>((resolve) => {
    noted = resolve;
  });
  const bytes = Buffer.alloc(8 * mebibyte, 1);
  await sink.note(bytes);
  bytes.fill(2);
  expect(await arrived).toEqual([1]);
});

test("one whose memory is transferred while it is sent arrives in its size, and the connection goes on", async () => {
  const sink = await connect();
  const bytes = new Uint8Array(12 * mebibyte).fill(1);
  const measured = sink.measure(bytes);
  // What fits into the connection has left by then; the rest waits.
  await Promise.resolve();
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  expect(bytes.length).toBe(0);
  expect(await measured).toBe(12 * mebibyte);
  expect(await sink.measure(Buffer.alloc(3))).toBe(3);
});
