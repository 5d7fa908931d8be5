import { describe, expect, test } from "vitest";
import { MarshalByRefObject } from "../../../src/contract/marshal-by-ref-object.ts";
import { Serializable } from "../../../src/contract/serializable.ts";
import {
  serializableClass,
  serializableNameOf,
  serializableTypeNamed,
  serializableTypeOf,
} from "../../../src/contract/type-registry.ts";

describe("@Serializable", () => {
  test("records a class under its own name", () => {
    @Serializable()
    class Point {
      static readonly origin = new Point();
    }
    expect(serializableNameOf(Point)).toBe("Point");
    expect(serializableClass("Point")).toBe(Point);
    expect(serializableTypeOf(Point)).toEqual({ name: "Point", type: Point });
  });

  test("takes a name, alone or among the options", () => {
    @Serializable("geometry.Line")
    class Line {}
    @Serializable({ name: "geometry.Größe" })
    class Size {}
    expect(serializableClass("geometry.Line")).toBe(Line);
    expect(serializableClass("geometry.Größe")).toBe(Size);
    expect(serializableClass("Line")).toBeUndefined();
  });

  test("takes functions for classes with #private state", () => {
    @Serializable({ serialize: (money: Money) => money.cents(), deserialize: (cents) => new Money(cents) })
    class Money {
      readonly #cents: number;
      constructor(cents: number) {
        this.#cents = cents;
      }
      cents(): number {
        return this.#cents;
      }
    }
    const type = serializableTypeNamed("Money");
    const data = type?.serialize?.(new Money(7));
    expect(data).toBe(7);
    const copy = type?.deserialize?.(data);
    expect(copy).toBeInstanceOf(Money);
    expect(copy instanceof Money && copy.cents()).toBe(7);
  });

  test("works under experimentalDecorators", () => {
    class Legacy {}
    Serializable()(Legacy);
    expect(serializableClass("Legacy")).toBe(Legacy);
  });

  test("records the class that another decorator puts in its place", () => {
    const replace = <C extends new () => object>(type: C, _context: ClassDecoratorContext<C>) =>
      class extends (type as new () => object) {} as C;
    @replace
    @Serializable("Replaced")
    class Replaced {}
    expect(serializableClass("Replaced")).toBe(Replaced);
  });

  test("holds for exactly this class", () => {
    @Serializable()
    class Shape {}
    class Square extends Shape {}
    expect(serializableNameOf(Shape)).toBe("Shape");
    expect(serializableNameOf(Square)).toBeUndefined();
  });

  test("refuses a class that travels by reference", () => {
    class Counter extends MarshalByRefObject {}
    expect(() => Serializable()(Counter)).toThrow(TypeError);
    expect(() => Serializable()(Counter)).toThrow(
      "Counter is @Serializable, which travels by value, but extends",
    );
  });

  test.each(["", "x".repeat(256)])("refuses the name %j", (name) => {
    class Named {}
    expect(() => Serializable(name)(Named)).toThrow(TypeError);
    expect(() => Serializable({ name })(Named)).toThrow("a string of 1 to 255 characters");
  });

  test("asks for a name where the class has none", () => {
    const anonymous = [class {}][0] as never;
    expect(() => Serializable()(anonymous)).toThrow('Pass one: @Serializable("Point")');
  });

  test("refuses one function without the other", () => {
    class Half {}
    expect(() => Serializable({ serialize: () => 1 } as never)(Half as never)).toThrow("pass both");
    expect(() => Serializable({ deserialize: () => new Half() } as never)(Half as never)).toThrow(
      "pass both",
    );
  });

  test("refuses methods, and options that are none", () => {
    const misused = Serializable() as (...parameters: unknown[]) => void;
    expect(() => misused({}, "method", {})).toThrow("@Serializable() belongs on a class");
    class Numbered {}
    expect(() => Serializable(1 as never)(Numbered)).toThrow("takes a name or an options object");
  });
});

describe("a name that two classes bear", () => {
  test("is ambiguous, for encoders and decoders, but not when it is given", () => {
    class Twin {}
    const Other = { Twin: class Twin {} };
    Serializable()(Twin);
    expect(serializableClass("Twin")).toBe(Twin);
    Serializable()(Other.Twin);
    const message = '2 different classes are @Serializable as "Twin", so the name is ambiguous';
    expect(() => serializableClass("Twin")).toThrow(TypeError);
    expect(() => serializableClass("Twin")).toThrow(message);
    expect(() => serializableClass("Twin")).toThrow('@Serializable("shop.Twin")');
    expect(() => serializableNameOf(Twin)).toThrow(message);
  });

  test("is not ambiguous when the same class is registered again", () => {
    class Again {}
    Serializable()(Again);
    Serializable()(Again);
    expect(serializableClass("Again")).toBe(Again);
  });

  test("is free again when its class takes another name", () => {
    class Renamed {}
    Serializable("former")(Renamed);
    Serializable("later")(Renamed);
    expect(serializableClass("former")).toBeUndefined();
    expect(serializableNameOf(Renamed)).toBe("later");
  });
});

test("unknown names and classes are undefined", () => {
  expect(serializableClass("nobody")).toBeUndefined();
  expect(serializableClass("__proto__")).toBeUndefined();
  expect(serializableNameOf(Object)).toBeUndefined();
});
