/** Decorators without their parentheses: tsx and plain JavaScript let them through, so they say so themselves. */
import { describe, expect, test } from "vitest";
import { Authorize } from "../../../src/contract/authorize.ts";
import { ClientActivated } from "../../../src/contract/client-activated.ts";
import { Local } from "../../../src/contract/local.ts";
import { MarshalByRefObject } from "../../../src/contract/marshal-by-ref-object.ts";
import { OneWay } from "../../../src/contract/one-way.ts";
import { Remote } from "../../../src/contract/remote.ts";
import { Serializable } from "../../../src/contract/serializable.ts";
import { SingleCall } from "../../../src/contract/single-call.ts";
import { Singleton } from "../../../src/contract/singleton.ts";

type Untyped = (...parameters: unknown[]) => unknown;
type UntypedDecorator = (...parameters: unknown[]) => undefined;

const classDecorators = { Singleton, SingleCall, ClientActivated, Serializable, Authorize };
const methodDecorators = { Authorize, Local, OneWay, Remote };

describe.each(Object.entries(classDecorators))("@%s without parentheses on a class", (name, factory) => {
  const complaint = new TypeError(`@${name} needs parentheses: @${name}()`);

  test("as a standard decorator", () => {
    const decorator = factory as unknown as UntypedDecorator;
    expect(() => {
      @decorator
      class Service extends MarshalByRefObject {}
      return Service;
    }).toThrow(complaint);
  });

  test("under experimentalDecorators", () => {
    expect(() => (factory as Untyped)(class Service extends MarshalByRefObject {})).toThrow(complaint);
  });
});

describe.each(Object.entries(methodDecorators))("@%s without parentheses on a member", (name, factory) => {
  const complaint = new TypeError(`@${name} needs parentheses: @${name}()`);
  const decorator = factory as unknown as UntypedDecorator;

  test("as a standard decorator", () => {
    expect(() => {
      class Service extends MarshalByRefObject {
        @decorator call(): void {}
      }
      return Service;
    }).toThrow(complaint);
    expect(() => {
      class Service extends MarshalByRefObject {
        @decorator field = 1;
      }
      return Service;
    }).toThrow(complaint);
  });

  test("under experimentalDecorators", () => {
    class Service extends MarshalByRefObject {
      call(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, "call");
    expect(() => (factory as Untyped)(Service.prototype, "call", descriptor)).toThrow(complaint);
  });
});

test("what is not a decorator's use is none, whatever comes besides", () => {
  const factories = ["shop/A", "shop/B"].map(Singleton);
  class Service extends MarshalByRefObject {}
  expect(() => factories[0]?.(Service)).not.toThrow();
  expect(() => Authorize({ roles: ["clerk"] })(Service)).not.toThrow();
  expect(() => Local()).not.toThrow();
});
