/** What every channel with every formatter has to do. A new one joins with a file of seven lines: see `README.md`. */
import { afterAll, beforeAll, describe } from "vitest";
import { ConformanceContext } from "./conformance-context.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { describeActivation } from "./suite/activation.ts";
import { describeByReference } from "./suite/by-reference.ts";
import { describeByValue } from "./suite/by-value.ts";
import { describeCallContext } from "./suite/call-context.ts";
import { describeCallbacks } from "./suite/callbacks.ts";
import { describeCancellation } from "./suite/cancellation.ts";
import { describeClosing } from "./suite/closing.ts";
import { describeDomainMethods } from "./suite/domain-methods.ts";
import { describeErrors } from "./suite/errors.ts";
import { describeLifetime } from "./suite/lifetime.ts";
import { describeLimits } from "./suite/limits.ts";
import { describeMethodNames } from "./suite/method-names.ts";
import { describeOneWay } from "./suite/one-way.ts";
import { describeOrder } from "./suite/order.ts";
import { describeProxies } from "./suite/proxies.ts";
import { describeRefusedValues } from "./suite/refused-values.ts";
import { describeSinks } from "./suite/sinks.ts";

/** Runs the suite for one row of the matrix. */
export function describeConformance(name: string, setup: ConformanceSetup): void {
  describe(name, () => {
    const context = new ConformanceContext(setup);
    beforeAll(() => context.open());
    afterAll(() => context.close());

    describe("activation", () => describeActivation(context));
    describe("values", () => describeByValue(context));
    describe("references", () => describeByReference(context));
    describe("callbacks", () => describeCallbacks(context));
    describe("refused values", () => describeRefusedValues(context));
    describe("errors", () => describeErrors(context));
    describe("method names", () => describeMethodNames(context));
    describe("one-way calls", () => describeOneWay(context));
    describe("cancellation and time", () => describeCancellation(context));
    describe("call context", () => describeCallContext(context));
    describe("order", () => describeOrder(context));
    describe("lifetime", () => describeLifetime(context));
    describe("limits", () => describeLimits(context));
    describe("proxies", () => describeProxies(context));
    describe("domain methods", () => describeDomainMethods(context));
    describe("sinks", () => describeSinks(context));
    describe("closing and reconnecting", () => describeClosing(context));
  });
}
