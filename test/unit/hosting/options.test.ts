/** Options that make no sense are told where they are given, and not with the first call. */
import { MarshalByRefObject, RemotingDomain, Singleton } from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";

@Singleton("Greeter")
class Greeter extends MarshalByRefObject {
  greet(name: string): string {
    return `Hello ${name}`;
  }
}

/** What plain JavaScript passes, which no type checks. */
function unchecked<T>(value: unknown): T {
  return value as T;
}

describe("a domain", () => {
  test.each<[unknown, string]>([
    [{ exposure: "Marked" }, 'RemotingDomain: exposure must be "public" or "marked", not "Marked"'],
    [{ defaultTimeout: -3 }, "defaultTimeout must be a number of milliseconds, or 0 for none, not -3"],
    [{ defaultTimeout: Number.NaN }, "defaultTimeout must be a number of milliseconds"],
    [{ defaultTimeout: null }, "defaultTimeout must be a number of milliseconds"],
    [{ defaultTimeout: "5" }, 'or 0 for none, not "5"'],
    [{ inheritDeadline: "no" }, 'inheritDeadline must be true or false, not "no"'],
    [{ dialable: "tcp://10.0.0.5:6100" }, "dialable must be a list of endpoints"],
    [{ dialable: [6100] }, "dialable must be a list of endpoints"],
    [{ authorizer: true }, "authorizer must be a function, not true"],
    [{ authoriser: () => false }, "RemotingDomain has no option named authoriser: expected defaultTimeout,"],
    [{ toString: () => "" }, "RemotingDomain has no option named toString"],
    [{ closeGrace: "x" }, "closeGrace must be a number of milliseconds"],
    [{ closeGrace: Number.POSITIVE_INFINITY }, "closeGrace must be a number of milliseconds from 0 to"],
    [{ limits: null }, "limits must be an object, not null"],
    [{ leases: 5 }, "leases must be an object, not 5"],
    [{ lifetime: "never" }, 'lifetime must be "held" or "dotnet"'],
    [{ customErrors: "of" }, 'customErrors must be "on", "off" or "remote-only", not "of"'],
    [null, "RemotingDomain takes an object with options, not null"],
    ["tcp://127.0.0.1:6100", 'an object with options, not "tcp://127.0.0.1:6100"'],
  ])("%j", (options, message) => {
    const create = () => new RemotingDomain(unchecked(options));
    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });

  test("takes the default for what is undefined", async () => {
    const options = {
      exposure: undefined,
      defaultTimeout: undefined,
      authorizer: undefined,
      limits: undefined,
    };
    const domain = new RemotingDomain(unchecked(options));
    onTestFinished(() => domain.close());
    await domain.serve("memory://undefined-options", [Greeter]);
    expect(await domain.getObject(Greeter, "memory://undefined-options").greet("Ada")).toBe("Hello Ada");
  });
});
