import { close, createInstance, getObject, type Remote } from "remoting";
import { ClientActivatedObject, SingleCallObject, SingletonObject } from "./contract.ts";

const url = process.env.REMOTING_CHANNEL ?? "tcp://127.0.0.1:6100";

async function use(
  object: Remote<SingleCallObject | SingletonObject | ClientActivatedObject>,
): Promise<void> {
  console.log(
    `${await object.getRemoteObjectType()}, in ${(await object.getProcessId()) === process.pid ? "this" : "another"} process`,
  );
  await object.setFloat((await object.getFloat()) + 1.5);
  console.log(`  after 1.5 was added it says ${await object.getFloat()}`);
}

await use(getObject(SingleCallObject, url));
await use(getObject(SingletonObject, url));
await use(getObject(SingletonObject, url));
await use(await createInstance(ClientActivatedObject, url));
await use(await createInstance(ClientActivatedObject, url));

await close();
