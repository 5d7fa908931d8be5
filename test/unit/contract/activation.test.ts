import { describe, expect, test } from "vitest";
import { activationOf } from "../../../src/contract/activation.ts";
import { ClientActivated } from "../../../src/contract/client-activated.ts";
import { MarshalByRefObject } from "../../../src/contract/marshal-by-ref-object.ts";
import { SingleCall } from "../../../src/contract/single-call.ts";
import { Singleton } from "../../../src/contract/singleton.ts";

const decorators = { SingleCall, Singleton, ClientActivated };
const modes = ["SingleCall", "Singleton", "ClientActivated"] as const;

describe.each(modes)("@%s", (mode) => {
  const decorator = decorators[mode];

  test("names the class after itself", () => {
    @decorator()
    class Service extends MarshalByRefObject {
      static readonly shared = new Service();
    }
    expect(activationOf(Service)).toEqual({ mode, uri: "Service" });
  });

  test("takes a URI", () => {
    @decorator("shop/service")
    class Service extends MarshalByRefObject {}
    expect(activationOf(Service)).toEqual({ mode, uri: "shop/service" });
  });

  test("works under experimentalDecorators", () => {
    class Service extends MarshalByRefObject {}
    decorator()(Service);
    expect(activationOf(Service)).toEqual({ mode, uri: "Service" });
  });

  test("is not inherited", () => {
    @decorator()
    class Service extends MarshalByRefObject {}
    class Derived extends Service {}
    expect(activationOf(Derived)).toBeUndefined();
  });

  test("may differ in a subclass", () => {
    @SingleCall()
    class Service extends MarshalByRefObject {}
    @decorator()
    class Derived extends Service {}
    expect(activationOf(Derived)).toEqual({ mode, uri: "Derived" });
    expect(activationOf(Service)).toEqual({ mode: "SingleCall", uri: "Service" });
  });

  test("refuses a second activation attribute", () => {
    expect(() => {
      @decorator()
      @Singleton()
      class Service extends MarshalByRefObject {}
      return Service;
    }).toThrow(new TypeError(`Service is both @Singleton and @${mode}. Keep one of them.`));

    class Legacy extends MarshalByRefObject {}
    Singleton()(Legacy);
    expect(() => decorator()(Legacy)).toThrow(`Legacy is both @Singleton and @${mode}`);
  });

  test("refuses a class that does not extend MarshalByRefObject", () => {
    class Plain {}
    expect(() => decorator()(Plain as never)).toThrow(TypeError);
    expect(() => decorator()(Plain as never)).toThrow(
      "put on Plain, which does not extend MarshalByRefObject",
    );
    expect(() => decorator()(MarshalByRefObject as never)).toThrow("does not extend MarshalByRefObject");
  });

  test("refuses an illegal URI", () => {
    expect(() => {
      @decorator("../secrets")
      class Service extends MarshalByRefObject {}
      return Service;
    }).toThrow('Service cannot be published as "../secrets"');
    expect(() => {
      @decorator("")
      class Service extends MarshalByRefObject {}
      return Service;
    }).toThrow("a URI is not empty");
  });

  test("asks for a URI where the class has no name", () => {
    const anonymous = [class extends MarshalByRefObject {}][0] as never;
    expect(() => decorator()(anonymous)).toThrow(`Pass a URI: @${mode}("Counter")`);
  });

  test("refuses a method", () => {
    const misused = decorator() as (...parameters: unknown[]) => void;
    expect(() => misused({}, "method", {})).toThrow(
      `@${mode}() belongs on a class, but was put on member "method"`,
    );
  });
});

test("a class without an activation attribute has none", () => {
  class Service extends MarshalByRefObject {}
  expect(activationOf(Service)).toBeUndefined();
});
