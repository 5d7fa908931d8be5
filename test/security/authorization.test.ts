/** Who may call what: `@Authorize`, the domain's authorizer, and when they are asked. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  AccessDeniedError,
  type AuthorizationRequest,
  Authorize,
  type Authorizer,
  ClientActivated,
  MarshalByRefObject,
  type MethodOptions,
  memoryChannel,
  type RegisteredClass,
  type Remote,
  RemotingDomain,
  type RemotingDomainOptions,
  SingleCall,
  Singleton,
  sharedSecret,
  sharedSecrets,
  tcpChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { call, fault, kind, readFault } from "../fault/frames.ts";
import { RawPeer } from "../fault/raw-peer.ts";

const secretOf = (name: string) => `the secret of ${name}, which nobody else knows`;

/** Who calls, and what it may act as. `nobody` proves nothing. */
const roles: Readonly<Record<string, readonly string[]>> = {
  nobody: [],
  guest: [],
  ada: ["clerk"],
  grace: ["clerk", "manager"],
  alan: ["manager"],
};
const names = Object.keys(roles);

const ran: string[] = [];

class Note extends MarshalByRefObject {
  read(): string {
    ran.push("Note.read");
    return "read";
  }

  @Authorize({ roles: ["manager"] })
  tear(): string {
    ran.push("Note.tear");
    return "torn";
  }
}

@Authorize({ roles: ["clerk"] })
class Base extends MarshalByRefObject {
  byClass(): string {
    return "byClass";
  }

  @Authorize({ roles: ["manager", "owner"] })
  byRole(): string {
    return "byRole";
  }

  @Authorize({ principals: ["ada", "alan"] })
  byName(): string {
    return "byName";
  }

  @Authorize({ principals: ["ada", "alan"], roles: ["manager"] })
  byNameAndRole(): string {
    return "byNameAndRole";
  }

  @Authorize()
  byAnyone(): string {
    return "byAnyone";
  }

  @Authorize({ anonymous: true })
  byAll(): string {
    return "byAll";
  }

  overridden(): string {
    return "overridden";
  }

  @Authorize({ roles: ["manager"] })
  overriddenQuietly(): string {
    return "overriddenQuietly";
  }
}

@Singleton("Restricted")
class Restricted extends Base {
  /** The rule of the method that it overrides, which is its class's, no longer holds. */
  @Authorize({ roles: ["manager"] })
  override overridden(): string {
    return "overridden";
  }

  override overriddenQuietly(): string {
    return "overriddenQuietly";
  }

  added(): string {
    return "added";
  }
}

@Authorize({ principals: ["grace"] })
@SingleCall("Stricter")
class Stricter extends Base {}

@Authorize({ roles: ["manager"] })
@Singleton("Sealed")
class Sealed extends MarshalByRefObject {
  break(): string {
    return "broken";
  }
}

@Singleton("Open")
class Open extends MarshalByRefObject {
  readonly #note = new Note();

  free(): string {
    return "free";
  }

  note(): Note {
    return this.#note;
  }

  async callBack(callback: (word: string) => string): Promise<string> {
    return await callback("called");
  }

  async tearOf(note: Remote<Note>): Promise<string> {
    return await note.tear();
  }

  take(...values: unknown[]): number {
    ran.push("Open.take");
    return values.length;
  }

  #kept: unknown;

  keep(value: unknown): void {
    this.#kept = value;
  }

  kept(): unknown {
    return this.#kept;
  }

  isOwnNote(value: unknown): boolean {
    return value === this.#note;
  }

  async breakOf(sealed: Remote<Sealed>): Promise<string> {
    return await sealed.break();
  }

  async payFor(basket: Remote<Basket>): Promise<string> {
    return await basket.pay();
  }

  /** Does to what a callback returns what its caller might not do. */
  async tearWhatComes(callback: () => Note): Promise<string> {
    return await (await callback()).tear();
  }
}

@Authorize({ roles: ["clerk"] })
@ClientActivated("Basket")
class Basket extends MarshalByRefObject {
  add(): string {
    return "added";
  }

  @Authorize({ roles: ["manager"] })
  pay(): string {
    return "paid";
  }
}

let addresses = 0;

interface Bench {
  readonly server: RemotingDomain;
  as(name: string, options?: RemotingDomainOptions): RemotingDomain;
  urlOf(name: string): string;
  readonly errors: unknown[];
}

/** A server that knows all names over `memory://`, and lets in nobody by name over `tcp://`. */
async function serve(
  options: RemotingDomainOptions = {},
  types: readonly RegisteredClass[] = [Restricted, Stricter, Sealed, Open, Basket],
): Promise<Bench> {
  ran.length = 0;
  const server = new RemotingDomain({ closeGrace: 0, ...options });
  onTestFinished(() => server.close());
  const errors: unknown[] = [];
  server.on("unobservedError", (error) => errors.push(error));
  server.registerChannel(
    memoryChannel({
      authentication: sharedSecrets((name) =>
        Object.hasOwn(roles, name) ? { secret: secretOf(name), roles: roles[name] ?? [] } : undefined,
      ),
    }),
  );
  server.registerChannel(tcpChannel());
  const { urls } = await server.serve([`memory://authorization-${++addresses}`, "tcp://127.0.0.1:0"], types);
  const [known = "", unknown = ""] = urls;
  return {
    server,
    errors,
    urlOf: (name) => (name === "nobody" ? unknown : known),
    as(name, domainOptions = {}) {
      const client = new RemotingDomain({ closeGrace: 0, ...domainOptions });
      onTestFinished(() => client.close());
      client.registerChannel(
        memoryChannel({ credentials: sharedSecret({ name, secret: secretOf(name), roles: ["server"] }) }),
      );
      return client;
    },
  };
}

/** `"yes"` if it was let in, `"no"` if it was refused before it ran. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "yes";
  } catch (error) {
    assert(error instanceof AccessDeniedError, String(error));
    assert.equal(error.mayHaveExecuted, false);
    return "no";
  }
}

describe("@Authorize", () => {
  test("every principal × every method", async () => {
    const bench = await serve();
    const calls: Readonly<Record<string, (client: RemotingDomain, url: string) => Promise<unknown>>> = {
      "a class's rule": (client, url) => client.getObject(Restricted, url).byClass(),
      "an added method": (client, url) => client.getObject(Restricted, url).added(),
      "one of two roles": (client, url) => client.getObject(Restricted, url).byRole(),
      "one of two names": (client, url) => client.getObject(Restricted, url).byName(),
      "a name and a role": (client, url) => client.getObject(Restricted, url).byNameAndRole(),
      "whoever proves who it is": (client, url) => client.getObject(Restricted, url).byAnyone(),
      everybody: (client, url) => client.getObject(Restricted, url).byAll(),
      "an override with a rule": (client, url) => client.getObject(Restricted, url).overridden(),
      "an override without": (client, url) => client.getObject(Restricted, url).overriddenQuietly(),
      "a stricter subclass, its class's rule": (client, url) => client.getObject(Stricter, url).byClass(),
      "a stricter subclass, a method's rule": (client, url) => client.getObject(Stricter, url).byRole(),
      "no rule": (client, url) => client.getObject(Open, url).free(),
      "a returned object, no rule": async (client, url) => (await client.getObject(Open, url).note()).read(),
      "a returned object, a rule": async (client, url) => (await client.getObject(Open, url).note()).tear(),
      "the lease of a restricted object": (client, url) =>
        client.getLifetimeService(client.getObject(Sealed, url)),
      "making an object": (client, url) => client.createInstance(Basket, url),
      "an object of one's own": async (client, url) => (await client.createInstance(Basket, url)).add(),
      "an object of one's own, a rule": async (client, url) =>
        (await client.createInstance(Basket, url)).pay(),
    };
    const matrix: Record<string, string> = {};
    const clients = names.map((name) => ({ client: bench.as(name), url: bench.urlOf(name) }));
    for (const [what, attempt] of Object.entries(calls)) {
      const row = [];
      for (const { client, url } of clients) row.push(await outcome(attempt(client, url)));
      matrix[what] = row.join(" ");
    }
    expect(names).toEqual(["nobody", "guest", "ada", "grace", "alan"]);
    expect(matrix).toEqual({
      "a class's rule": "no no yes yes no",
      "an added method": "no no yes yes no",
      "one of two roles": "no no no yes yes",
      "one of two names": "no no yes no yes",
      "a name and a role": "no no no no yes",
      "whoever proves who it is": "no yes yes yes yes",
      everybody: "yes yes yes yes yes",
      "an override with a rule": "no no no yes yes",
      "an override without": "no no no yes yes",
      "a stricter subclass, its class's rule": "no no no yes no",
      "a stricter subclass, a method's rule": "no no no yes yes",
      "no rule": "yes yes yes yes yes",
      "a returned object, no rule": "yes yes yes yes yes",
      "a returned object, a rule": "no no no yes yes",
      "the lease of a restricted object": "no no no yes yes",
      "making an object": "no no yes yes no",
      "an object of one's own": "no no yes yes no",
      "an object of one's own, a rule": "no no no yes no",
    });
  });

  test("says who may not do what, and not what would be needed", async () => {
    const bench = await serve();
    const denied = async (promise: Promise<unknown>) =>
      String(await promise.catch((error: unknown) => error));
    expect(await denied(bench.as("ada").getObject(Restricted, bench.urlOf("ada")).byRole())).toBe(
      'AccessDeniedError: "ada" may not call "byRole" of "Restricted"',
    );
    expect(await denied(bench.as("nobody").createInstance(Basket, bench.urlOf("nobody")))).toBe(
      'AccessDeniedError: A caller that has not proved who it is may not make an object of "Basket"',
    );
    const note = await bench.as("guest").getObject(Open, bench.urlOf("guest")).note();
    expect(await denied(note.tear())).toBe('AccessDeniedError: "guest" may not call "tear" of this object');
  });

  test("the same as with experimentalDecorators: undecorated contracts have it as options", async () => {
    abstract class Contract extends MarshalByRefObject {
      abstract look(): string;
      abstract change(): string;
    }
    class Implementation extends Contract {
      look(): string {
        return "look";
      }
      change(): string {
        return "change";
      }
    }
    Singleton("Contract")(Implementation);
    const bench = await serve({}, []);
    const methods: Readonly<Record<string, MethodOptions>> = {
      change: { authorize: { roles: ["manager"] } },
    };
    bench.server.register(Contract, Implementation, { methods });
    const row = async (method: "look" | "change") => {
      const found = [];
      for (const name of names) {
        const proxy = bench.as(name).getObject<Contract>(`${bench.urlOf(name)}/Contract`);
        found.push(await outcome(proxy[method]()));
      }
      return found.join(" ");
    };
    expect(await row("look")).toBe("yes yes yes yes yes");
    expect(await row("change")).toBe("no no no yes yes");
  });

  test("the rules of a contract hold for an implementation that does not extend it, beside its own", async () => {
    @Authorize({ roles: ["manager"] })
    @Singleton("Apart")
    class Apart extends MarshalByRefObject {
      both(): string {
        return "";
      }
      @Authorize({ anonymous: true })
      mixed(): string {
        return "";
      }
    }
    class Implementation extends MarshalByRefObject {
      @Authorize({ principals: ["grace", "ada"] })
      both(): string {
        return "both";
      }
      mixed(): string {
        return "mixed";
      }
    }
    const bench = await serve({}, []);
    bench.server.register(Apart, Implementation);
    const row = async (method: "both" | "mixed") => {
      const found = [];
      for (const name of names) {
        found.push(await outcome(bench.as(name).getObject(Apart, bench.urlOf(name))[method]()));
      }
      return found.join(" ");
    };
    expect(await row("both")).toBe("no no no yes no");
    expect(await row("mixed")).toBe("yes yes yes yes yes");
  });

  test.each<[string, () => unknown, RegExp]>([
    ["no roles", () => Authorize({ roles: [] }), /nobody could call/],
    ["no names", () => Authorize({ principals: [""] }), /at least one name/],
    ["a role that is none", () => Authorize(JSON.parse('{ "roles": "clerk" }')), /must be a list/],
    ["everybody, but", () => Authorize({ anonymous: true, roles: ["a"] }), /mean nothing beside it/],
    ["a misspelt word", () => Authorize(JSON.parse('{ "role": ["a"] }')), /knows no "role"/],
  ])("refuses %s", (_what, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  test("refuses to be put on the same twice, and on what is not called from outside", () => {
    class Plain {}
    expect(() => Authorize()(Plain as never)).toThrow(/does not extend MarshalByRefObject/);
    expect(() => {
      @Authorize()
      @Authorize({ roles: ["a"] })
      class Twice extends MarshalByRefObject {}
      return Twice;
    }).toThrow(/twice/);
    expect(() => {
      class Twice extends MarshalByRefObject {
        @Authorize()
        @Authorize({ roles: ["a"] })
        method(): void {}
      }
      return Twice;
    }).toThrow(/twice/);
    expect(() => {
      class Static extends MarshalByRefObject {
        // @ts-expect-error: refused by type, and again at run time
        @Authorize()
        static method(): void {}
      }
      return Static;
    }).toThrow(/belongs on a public instance method/);
  });
});

describe("the domain's authorizer", () => {
  test("is asked about every call, with all that is known before its arguments", async () => {
    const asked: AuthorizationRequest[] = [];
    const bench = await serve({
      authorizer: (request) => {
        asked.push(request);
        return true;
      },
    });
    const client = bench.as("ada");
    const url = bench.urlOf("ada");
    const note = await client.getObject(Open, url).note();
    await note.read();
    const basket = await client.createInstance(Basket, url);
    await basket.add();
    expect(asked.map(({ kind, typeName, method }) => [kind, typeName, method])).toEqual([
      ["call", "Open", "note"],
      ["call", "Note", "read"],
      ["construct", "Basket", ""],
      ["call", "Basket", "add"],
    ]);
    expect(asked.map(({ uri }) => uri.replace(/^~.*/, "~id"))).toEqual(["Open", "~id", "Basket", "~id"]);
    for (const { principal, peer } of asked) {
      expect(principal).toEqual({ name: "ada", roles: ["clerk"], authenticatedBy: "shared-secret" });
      expect(peer).toMatchObject({ url, direction: "incoming", principal });
    }
  });

  test("is not asked about what @Authorize has refused", async () => {
    let asked = 0;
    const bench = await serve({
      authorizer: () => {
        asked++;
        return true;
      },
    });
    expect(await outcome(bench.as("guest").getObject(Restricted, bench.urlOf("guest")).byClass())).toBe("no");
    expect(asked).toBe(0);
  });

  test.each<[string, Authorizer, string]>([
    ["true", () => true, "yes"],
    ["a promise of true", async () => true, "yes"],
    ["false", () => false, "no"],
    ["a promise of false", async () => false, "no"],
    ["nothing", (() => undefined) as unknown as Authorizer, "no"],
    ["something that is not true", (() => "true") as unknown as Authorizer, "no"],
    ["a promise of nothing", (async () => undefined) as unknown as Authorizer, "no"],
  ])("that answers %s", async (_what, authorizer, expected) => {
    const bench = await serve({ authorizer });
    const client = bench.as("ada");
    expect(await outcome(client.getObject(Open, bench.urlOf("ada")).free())).toBe(expected);
    expect(await outcome(client.getObject(Open, bench.urlOf("ada")).free())).toBe(expected);
  });

  test.each<[string, Authorizer]>([
    [
      "throws",
      () => {
        throw new Error("the directory has moved to 10.0.0.7");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the directory has moved to 10.0.0.7"))],
  ])(
    "that %s: the caller is told no more than that it may not, the server's side all of it",
    async (_what, authorizer) => {
      const bench = await serve({ authorizer });
      const told = once(bench.server, "unobservedError");
      const error = await bench
        .as("ada")
        .getObject(Open, bench.urlOf("ada"))
        .free()
        .catch((e: unknown) => e);
      assert(error instanceof AccessDeniedError);
      expect(error.message).toBe('"ada" may not call "free" of "Open"');
      expect(String((await told)[0])).toContain("10.0.0.7");
    },
  );

  test("may give a reason", async () => {
    const bench = await serve({
      authorizer: () => {
        throw new AccessDeniedError("the shop is closed on Sundays");
      },
    });
    const promise = bench.as("ada").getObject(Open, bench.urlOf("ada")).free();
    await expect(promise).rejects.toThrow("the shop is closed on Sundays");
    expect(bench.errors).toEqual([]);
  });

  test("calls wait for their turn while it thinks, and start in the order in which they were made", async () => {
    const started: unknown[] = [];
    @Singleton("Order")
    class Order extends MarshalByRefObject {
      slow(value: number): void {
        started.push(value);
      }
      quick(value: number): void {
        started.push(value);
      }
    }
    let ask: (answer: (allowed: boolean) => void) => void = () => {};
    const asked = new Promise<(allowed: boolean) => void>((resolve) => {
      ask = resolve;
    });
    const bench = await serve(
      { authorizer: ({ method }) => (method === "quick" ? true : new Promise<boolean>(ask)) },
      [Order],
    );
    const order = bench.as("ada").getObject(Order, bench.urlOf("ada"));
    const first = order.slow(1);
    const second = order.quick(2);
    const answer = await asked;
    // What comes over another connection does not wait, and has time enough to be answered.
    await bench.as("grace").getObject(Order, bench.urlOf("grace")).quick(0);
    expect(started).toEqual([0]);
    answer(true);
    await Promise.all([first, second]);
    expect(started).toEqual([0, 1, 2]);
  });
});

describe("before arguments are decoded", () => {
  const garbage = Buffer.from([0xc1, 0xff, 0x00]);

  test.each<[string, RemotingDomainOptions]>([
    ["@Authorize", {}],
    ["an authorizer", { authorizer: ({ typeName }) => typeName !== "Restricted" }],
    ["an authorizer that takes its time", { authorizer: async ({ typeName }) => typeName !== "Restricted" }],
  ])("%s refuses what could not be decoded anyway", async (_what, options) => {
    const bench = await serve(options);
    const peer = await RawPeer.open(Number(new URL(bench.urlOf("nobody")).port));
    peer.send(call(1, "Restricted", "byClass", garbage));
    const refused = readFault(await peer.next(kind.fault, 1));
    expect(refused).toMatchObject({ code: fault.accessDenied, mayHaveExecuted: false });
    // The same bytes are looked at where the caller may call.
    peer.send(call(2, "Open", "take", garbage));
    expect(readFault(await peer.next(kind.fault, 2)).code).toBe(fault.serialization);
    expect(ran).toEqual([]);
    await peer.close();
  });
});

describe("callbacks", () => {
  test("a client's rules and authorizer hold for its server", async () => {
    const bench = await serve();
    const attempt = async (options: RemotingDomainOptions, note: Note) => {
      const client = bench.as("ada", options);
      return await client
        .getObject(Open, bench.urlOf("ada"))
        .tearOf(note)
        .then(
          () => "yes",
          (error: unknown) => String(error),
        );
    };
    class ServersNote extends MarshalByRefObject {
      @Authorize({ roles: ["server"] })
      tear(): string {
        return "torn by the server";
      }
      read(): string {
        return "";
      }
    }
    // The server has proved to know ada's secret; the client has given it the role "server", and no other.
    expect(await attempt({}, new ServersNote())).toBe("yes");
    expect(await attempt({}, new Note())).toContain('"ada" may not call "tear" of this object');
    expect(await attempt({ authorizer: () => false }, new ServersNote())).toContain(
      '"ada" may not call "tear"',
    );
    expect(await attempt({ authorizer: ({ uri }) => uri.startsWith("~") }, new ServersNote())).toBe("yes");
    expect(ran).toEqual([]);
  });

  test("functions are asked about too: they have no type and no name", async () => {
    const bench = await serve();
    const asked: AuthorizationRequest[] = [];
    let allowed = true;
    const client = bench.as("ada", {
      authorizer: (request) => {
        asked.push(request);
        return allowed;
      },
    });
    const open = client.getObject(Open, bench.urlOf("ada"));
    expect(await open.callBack((word) => word)).toBe("called");
    expect(asked).toMatchObject([
      { kind: "call", typeName: undefined, method: "", principal: { name: "ada", roles: ["server"] } },
    ]);
    allowed = false;
    await expect(open.callBack((word) => word)).rejects.toThrow('"ada" may not call this function');
  });
});

describe("a proxy that is sent home", () => {
  // "called" by a method of the server's that is open to all, with what each has passed to it.
  const called = (promise: Promise<string>) =>
    promise.then(
      (value) => value,
      (error: unknown) => {
        expect(String(error)).toContain("may not call");
        return "refused";
      },
    );

  test("lets nobody do there what they may not do themselves", async () => {
    const bench = await serve();
    const outcomes: Record<string, unknown> = {};
    for (const name of names.filter((known) => known !== "nobody")) {
      const client = bench.as(name);
      const url = bench.urlOf(name);
      const open = client.getObject(Open, url);
      const note = await open.note();
      outcomes[name] = {
        published: await called(open.breakOf(client.getObject(Sealed, url))),
        // The class is not known here: any method is passed on.
        withoutClass: await called(open.breakOf(client.getObject<Sealed>(`${url}/Sealed`))),
        returned: await called(open.tearOf(note)),
        fromCallback: await called(open.tearWhatComes(() => note as unknown as Note)),
        isItself: await open.isOwnNote(note),
      };
    }
    const refused = {
      published: "refused",
      withoutClass: "refused",
      returned: "refused",
      fromCallback: "refused",
      isItself: false,
    };
    const allowed = {
      published: "broken",
      withoutClass: "broken",
      returned: "torn",
      fromCallback: "torn",
      isItself: true,
    };
    expect(outcomes).toEqual({ guest: refused, ada: refused, grace: allowed, alan: allowed });
  });

  test("over a connection that proves nothing, under another address of the same server", async () => {
    const bench = await serve();
    const client = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => client.close());
    client.registerChannel(tcpChannel());
    client.registerChannel(
      memoryChannel({ credentials: sharedSecret({ name: "alan", secret: secretOf("alan") }) }),
    );
    // It is alan's proxy, but it is nobody who passes it.
    const open = client.getObject(Open, bench.urlOf("nobody"));
    const sealed = client.getObject(Sealed, bench.urlOf("alan"));
    expect(await sealed.break()).toBe("broken");
    expect(await called(open.breakOf(sealed))).toBe("refused");
  });

  test("a client-activated object too, whose rules are stricter for some methods", async () => {
    const bench = await serve();
    const ada = bench.as("ada");
    const grace = bench.as("grace");
    const basketOfAda = await ada.createInstance(Basket, bench.urlOf("ada"));
    expect(await called(ada.getObject(Open, bench.urlOf("ada")).payFor(basketOfAda))).toBe("refused");
    expect(await basketOfAda.add()).toBe("added");
    const basketOfGrace = await grace.createInstance(Basket, bench.urlOf("grace"));
    expect(await called(grace.getObject(Open, bench.urlOf("grace")).payFor(basketOfGrace))).toBe("paid");
  });

  test("handed on to others gives them nothing of the rights of whoever has passed it", async () => {
    const bench = await serve();
    const ada = bench.as("ada");
    // ada may call some of it, so that it does not become the object itself.
    await ada.getObject(Open, bench.urlOf("ada")).keep(ada.getObject(Restricted, bench.urlOf("ada")));
    const outcomes: Record<string, string> = {};
    for (const name of ["guest", "ada", "grace", "alan"]) {
      const kept = await bench.as(name).getObject(Open, bench.urlOf(name)).kept();
      const restricted = kept as Remote<Restricted>;
      outcomes[name] = (
        await Promise.all([
          outcome(restricted.byClass()),
          outcome(restricted.byRole()),
          outcome(restricted.byAll()),
        ])
      ).join(" ");
    }
    // Each may do what both may.
    expect(outcomes).toEqual({
      guest: "no no yes",
      ada: "yes no yes",
      grace: "yes no yes",
      alan: "no no yes",
    });
  });
});

describe("sessions", () => {
  test("another channel with other credentials gets a session of its own, for the same endpoint", async () => {
    const bench = await serve();
    const callers: (string | undefined)[] = [];
    bench.server.on("connected", ({ principal }) => callers.push(principal?.name));
    const client = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => client.close());
    const url = bench.urlOf("ada");
    const register = (name: string, priority: number) =>
      client.registerChannel(
        memoryChannel({ name, priority, credentials: sharedSecret({ name, secret: secretOf(name) }) }),
      );
    register("ada", 1);
    const asAda = client.getObject(Restricted, url);
    expect(await outcome(asAda.byClass())).toBe("yes");
    register("guest", 2);
    const asGuest = client.getObject(Restricted, url);
    expect(await outcome(asGuest.byClass())).toBe("no");
    expect(await outcome(asAda.byClass())).toBe("yes");
    expect(callers).toEqual(["ada", "guest"]);
  });
});
