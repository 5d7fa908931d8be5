import { describe, expect, test } from "vitest";
import { Local } from "../../../src/contract/local.ts";
import { MarshalByRefObject } from "../../../src/contract/marshal-by-ref-object.ts";
import { OneWay } from "../../../src/contract/one-way.ts";
import { Remote } from "../../../src/contract/remote.ts";
import { type DescribeOptions, describeType } from "../../../src/contract/service-type.ts";
import { Singleton } from "../../../src/contract/singleton.ts";

function namesIn(type: Parameters<typeof describeType>[0], options?: DescribeOptions): string[] {
  return [...describeType(type, options).methods.keys()].sort();
}

class Base extends MarshalByRefObject {
  field = () => 1;
  get accessor(): () => number {
    return this.field;
  }
  static shared(): void {}
  inherited(): void {}
  overridden(): void {}
  @OneWay() notify(): void {}
  @Local() hidden(): void {}
  @Remote() marked(): void {}
  hiddenLater(): void {}
}

class Service extends Base {
  own(): void {}
  override overridden(): void {}
  override notify(): void {}
  @Remote() override hidden(): void {}
  override marked(): void {}
  @Local() override hiddenLater(): void {}
  #hidden(): void {}
  _internal(): void {}
  [Symbol.iterator](): void {
    this.#hidden();
  }
}

describe("the methods of a class", () => {
  test("are its own and inherited public ones", () => {
    expect(namesIn(Service)).toEqual(["inherited", "marked", "notify", "overridden", "own"]);
  });

  test("are one-way where the class or a base class says so", () => {
    const { methods } = describeType(Service);
    expect(methods.get("notify")).toEqual({ name: "notify", oneWay: true, access: [] });
    expect(methods.get("own")).toEqual({ name: "own", oneWay: false, access: [] });
  });

  test("under marked exposure are only those marked @Remote(), unless hidden", () => {
    expect(namesIn(Service, { exposure: "marked" })).toEqual(["marked"]);
  });

  test("never include names that every object has, even when overridden", () => {
    class Impostor extends MarshalByRefObject {}
    const names = [
      ...Object.getOwnPropertyNames(Object.prototype),
      "toJSON",
      "initializeLifetimeService",
      "_x",
    ];
    for (const name of names) {
      Object.defineProperty(Impostor.prototype, name, { value: () => 1, configurable: true });
    }
    expect(names).toContain("__defineGetter__");
    expect(names).toContain("hasOwnProperty");
    expect(namesIn(Impostor)).toEqual([]);
    expect(namesIn(Impostor, { exposure: "marked" })).toEqual([]);
  });

  test("end where MarshalByRefObject begins", () => {
    Object.defineProperty(MarshalByRefObject.prototype, "leak", { value() {}, configurable: true });
    try {
      expect(namesIn(class Empty extends MarshalByRefObject {})).toEqual([]);
    } finally {
      Reflect.deleteProperty(MarshalByRefObject.prototype, "leak");
    }
  });

  test("end at Object for a class that extends nothing", () => {
    class Plain {
      method(): void {}
    }
    expect(namesIn(Plain)).toEqual(["method"]);
  });

  test("lack one that a subclass overrides with an accessor", () => {
    class Parent extends MarshalByRefObject {
      value(): number {
        return 1;
      }
    }
    class Child extends Parent {}
    Object.defineProperty(Child.prototype, "value", { get: () => () => 1 });
    expect(namesIn(Parent)).toEqual(["value"]);
    expect(namesIn(Child)).toEqual([]);
  });

  test("must not include then", () => {
    class Thenable extends MarshalByRefObject {
      // biome-ignore lint/suspicious/noThenProperty: what it is about
      then(): void {}
    }
    class HiddenThenable extends Thenable {
      // biome-ignore lint/suspicious/noThenProperty: what it is about
      @Local() override then(): void {}
    }
    expect(() => describeType(Thenable)).toThrow(TypeError);
    expect(() => describeType(Thenable)).toThrow('Thenable has a public method named "then"');
    expect(namesIn(HiddenThenable)).toEqual([]);
    expect(namesIn(Thenable, { exposure: "marked" })).toEqual([]);
  });
});

describe("options for methods", () => {
  test("have the last word over decorators", () => {
    const methods = {
      own: { local: true },
      hidden: { local: false },
      notify: { oneWay: false },
      inherited: { oneWay: true },
    };
    const described = describeType(Service, { methods }).methods;
    expect([...described.keys()].sort()).toEqual(["hidden", "inherited", "marked", "notify", "overridden"]);
    expect(described.get("notify")?.oneWay).toBe(false);
    expect(described.get("inherited")?.oneWay).toBe(true);
  });

  test("expose a method under marked exposure", () => {
    const options: DescribeOptions = {
      exposure: "marked",
      methods: { own: { local: false }, inherited: { oneWay: true } },
    };
    expect(namesIn(Service, options)).toEqual(["marked", "own"]);
  });

  test.each(["tpyo", "_internal", "toString", "constructor", "accessor", "field"])(
    "cannot name %s",
    (name) => {
      const methods = { [name]: { local: false } };
      expect(() => describeType(Service, { methods })).toThrow(TypeError);
      expect(() => describeType(Service, { methods })).toThrow(
        `The options for Service name "${name}", which is no callable method of it. Its methods are: `,
      );
    },
  );
});

describe("a service type", () => {
  test("knows the activation attribute of exactly this class", () => {
    @Singleton("shop/Counter")
    class Counter extends MarshalByRefObject {
      static readonly shared = new Counter();
    }
    class Derived extends Counter {}
    expect(describeType(Counter)).toMatchObject({ name: "Counter", mode: "Singleton", uri: "shop/Counter" });
    expect(describeType(Derived)).toMatchObject({ name: "Derived", mode: undefined, uri: undefined });
  });

  test("is made once for each class and exposure, unless methods have options", () => {
    expect(describeType(Service)).toBe(describeType(Service, { exposure: "public" }));
    expect(describeType(Service)).not.toBe(describeType(Service, { exposure: "marked" }));
    expect(describeType(Service)).not.toBe(describeType(Service, { methods: {} }));
    expect(describeType(Base)).not.toBe(describeType(Service));
  });
});
