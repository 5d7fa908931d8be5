// What the demo shows, chapter by chapter. It neither knows nor cares how the calls travel.
import {
  AbortError,
  MethodNotFoundError,
  ObjectDisconnectedError,
  RemoteInvocationError,
  type RemotingDomain,
  RemotingTimeoutError,
  SerializationError,
  ServiceNotFoundError,
} from "remoting";
import { Bell, Kitchen, Menu, Order, OvenTooHotError, Pizza } from "./contract.ts";
import type { Screen } from "./screen.ts";

/** Not @Serializable, and not a MarshalByRefObject either. */
class Secret {}

export async function tour(domain: RemotingDomain, url: string, screen: Screen): Promise<void> {
  const menu = domain.getObject(Menu, url);
  const kitchen = domain.getObject(Kitchen, url);
  const bell = domain.getObject(Bell, url);

  screen.chapter("SingleCall", "a fresh object for every call");
  await screen.call('menu.find("Margherita")', () => menu.find("Margherita"), new Pizza("Margherita", 9));
  await screen.call("menu.countQuestions()", () => menu.countQuestions(), 1);
  await screen.call("menu.countQuestions()", () => menu.countQuestions(), 1);

  screen.chapter("By value", "the copy is a Pizza again, with its methods");
  const margherita = await menu.find("Margherita");
  screen.fact('margherita.withExtra("basil").price', margherita.withExtra("basil").price, 10.5);

  screen.chapter("Singleton", "one object, shared by everybody");
  await screen.call("kitchen.bake(margherita)", () => kitchen.bake(margherita), "Margherita, pizza number 1");
  const colleague = domain.getObject(Kitchen, url);
  await screen.call(
    "colleague.bake(margherita)",
    () => colleague.bake(margherita),
    "Margherita, pizza number 2",
  );

  screen.chapter("Client-activated", "an object of one's own, made with arguments, until it is disposed of");
  const order = await domain.createInstance(Order, url, "Ada");
  await order.add(margherita);
  await order.add(margherita.withExtra("basil"));
  await screen.call("order.total()", () => order.total(), 19.5);
  await screen.call("kitchen.serve(order)", () => kitchen.serve(order), "2 pizzas for Ada, served");
  await order[Symbol.asyncDispose]();
  await screen.failure("order.total()  after disposal", () => order.total(), ObjectDisconnectedError);

  screen.chapter("Callback", "functions stay where they are, and are called from there");
  const seen: number[] = [];
  await screen.call(
    "kitchen.bake(margherita, onProgress)",
    () => kitchen.bake(margherita, (percent) => seen.push(percent)),
    "Margherita, pizza number 3",
  );
  screen.fact("onProgress was called with", seen, [25, 50, 75, 100]);

  screen.chapter("One-way", "the caller does not wait");
  const before = await kitchen.countRings();
  await screen.call("bell.ring()", () => bell.ring(), undefined);
  await screen.call("kitchen.countRings()", () => kitchen.countRings(), before + 1);

  screen.chapter("Many at once", "replies come back in any order");
  await screen.call(
    "1,000 calls of menu.find, together",
    async () => (await Promise.all(Array.from({ length: 1000 }, () => menu.find("Funghi")))).length,
    1000,
  );

  screen.chapter("Cancellation", "an AbortSignal travels, and the server notices");
  await screen.failure(
    "kitchen.bakeSlowly(margherita, signal)",
    () => kitchen.bakeSlowly(margherita, AbortSignal.timeout(100)),
    AbortError,
  );
  await screen.call("kitchen.countThrownAway()", () => kitchen.countThrownAway(), 1);

  screen.chapter("Errors", "typed, and they say whether the call may have run");
  await screen.failure('menu.find("Pineapple")', () => menu.find("Pineapple"), RemoteInvocationError);
  await screen.failure("kitchen.heat(500)", () => kitchen.heat(500), OvenTooHotError);
  const impatient = domain.withOptions(kitchen, { timeout: 50 });
  await screen.failure(
    "impatient.bake(margherita)  within 50 ms",
    () => impatient.bake(margherita),
    RemotingTimeoutError,
  );
  // The compiler refuses the next two, so it has to be lied to.
  const washable = domain.getObject<Kitchen & { wash(): void }>(`${url}/Kitchen`);
  await screen.failure("kitchen.wash()", () => washable.wash(), MethodNotFoundError);
  const cellar = domain.getObject(Kitchen, `${url}/Cellar`);
  await screen.failure("cellar.countRings()", () => cellar.countRings(), ServiceNotFoundError);
  const careless = domain.getObject<Kitchen & { keep(secret: Secret): void }>(`${url}/Kitchen`);
  await screen.failure("kitchen.keep(new Secret())", () => careless.keep(new Secret()), SerializationError);
}
