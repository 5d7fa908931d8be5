import { describe, expect, test } from "vitest";
import { ClassMark, MemberMark } from "../../../src/contract/metadata.ts";

describe("Symbol.metadata", () => {
  test("exists, as the symbol that compilers' output falls back to", () => {
    expect(Symbol.metadata).toBe(Symbol.for("Symbol.metadata"));
  });
});

describe("a class mark", () => {
  const mark = new ClassMark<string>("test:class");

  test("is recorded on the class under experimentalDecorators", () => {
    class Base {}
    class Derived extends Base {}
    mark.record(Base, "base");
    expect(mark.of(Base)).toBe("base");
    expect(mark.of(Derived)).toBeUndefined();
  });

  test("is recorded on context.metadata by standard decorators", () => {
    const record = (_type: unknown, { metadata }: ClassDecoratorContext) => mark.record(metadata, "base");
    @record
    class Base {}
    class Derived extends Base {}
    expect(mark.of(Base)).toBe("base");
    expect(mark.of(Derived)).toBeUndefined();
  });

  test("survives a decorator that replaces the class", () => {
    const record = (_type: unknown, { metadata }: ClassDecoratorContext) => mark.record(metadata, "kept");
    const replace = <C extends new () => object>(type: C, _context: ClassDecoratorContext<C>) =>
      class extends (type as new () => object) {} as C;
    @replace
    @record
    class Replaced {}
    expect(mark.of(Replaced)).toBe("kept");
  });
});

describe("a member mark", () => {
  const mark = new MemberMark("test:member");

  test("holds for the class and its subclasses, in either decorator mode", () => {
    const record = (_method: unknown, { metadata, name }: ClassMethodDecoratorContext) =>
      mark.record(metadata, String(name));
    class Legacy {
      first(): void {}
    }
    mark.record(Legacy, "first");
    class Standard extends Legacy {
      @record second(): void {}
    }
    class Derived extends Standard {
      override second(): void {}
    }
    expect(mark.isOn(Derived, "first")).toBe(true);
    expect(mark.isOn(Derived, "second")).toBe(true);
    expect(mark.isOn(Legacy, "second")).toBe(false);
    expect(mark.isOn(Derived, "third")).toBe(false);
  });
});
