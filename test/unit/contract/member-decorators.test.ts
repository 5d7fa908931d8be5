import { describe, expect, test } from "vitest";
import { Local, localMark } from "../../../src/contract/local.ts";
import { MarshalByRefObject } from "../../../src/contract/marshal-by-ref-object.ts";
import { OneWay, oneWayMark } from "../../../src/contract/one-way.ts";
import { Remote, remoteMark } from "../../../src/contract/remote.ts";

const decorators = [
  { name: "OneWay", decorator: OneWay, mark: oneWayMark },
  { name: "Local", decorator: Local, mark: localMark },
  { name: "Remote", decorator: Remote, mark: remoteMark },
];

describe.each(decorators)("@$name()", ({ name, decorator, mark }) => {
  test("marks a method", () => {
    class Service extends MarshalByRefObject {
      @decorator() marked(): void {}
      unmarked(): void {}
    }
    expect(mark.isOn(Service, "marked")).toBe(true);
    expect(mark.isOn(Service, "unmarked")).toBe(false);
  });

  test("counts for subclasses, and only for them", () => {
    class Base extends MarshalByRefObject {
      @decorator() early(): void {}
    }
    class Derived extends Base {
      @decorator() late(): void {}
    }
    class Sibling extends Base {}
    expect(mark.isOn(Derived, "early")).toBe(true);
    expect(mark.isOn(Derived, "late")).toBe(true);
    expect(mark.isOn(Base, "late")).toBe(false);
    expect(mark.isOn(Sibling, "late")).toBe(false);
  });

  test("works under experimentalDecorators", () => {
    class Service extends MarshalByRefObject {
      marked(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, "marked");
    decorator()(Service.prototype, "marked", descriptor ?? {});
    expect(mark.isOn(Service, "marked")).toBe(true);
  });

  test.each([
    [
      "a static method",
      { kind: "method", name: "shared", static: true, private: false },
      'static method "shared"',
    ],
    [
      "a #private method",
      { kind: "method", name: "#own", static: false, private: true },
      'private method "#own"',
    ],
    ["a symbol", { kind: "method", name: Symbol.dispose, static: false, private: false }, 'method "Symbol('],
    ["a getter", { kind: "getter", name: "size", static: false, private: false }, 'getter "size"'],
    ["a field", { kind: "field", name: "size", static: false, private: false }, 'field "size"'],
    ["a class", { kind: "class", name: "Service" }, 'class "Service"'],
  ])("refuses %s", (_what, context, description) => {
    const apply = decorator() as (...parameters: unknown[]) => void;
    const decorate = () => apply(() => {}, { ...context, metadata: {} });
    expect(decorate).toThrow(TypeError);
    expect(decorate).toThrow(`@${name}() belongs on a public instance method, but was put on ${description}`);
  });

  test.each([
    ["a static method", [class Service {}, "shared", { value() {} }], 'static member "shared"'],
    ["a symbol", [{}, Symbol.iterator, { value() {} }], 'member "Symbol(Symbol.iterator)"'],
    ["an accessor", [{}, "size", { get: () => 1 }], 'member "size"'],
    ["a field", [{}, "size"], 'member "size"'],
    ["a class", [class Service {}], 'class "Service"'],
  ])("refuses %s under experimentalDecorators", (_what, parameters, description) => {
    const apply = decorator() as (...parameters: unknown[]) => void;
    expect(() => apply(...parameters)).toThrow(TypeError);
    expect(() => apply(...parameters)).toThrow(`but was put on ${description}`);
  });

  test("says when the compiler emits no decorator metadata", () => {
    const apply = decorator() as (...parameters: unknown[]) => void;
    const context = { kind: "method", name: "marked", static: false, private: false, metadata: undefined };
    expect(() => apply(() => {}, context)).toThrow("found no context.metadata");
  });
});
