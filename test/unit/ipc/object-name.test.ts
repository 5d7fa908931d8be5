/** What processes share has a name: what is wrong with it is told in words that fit. */
import { FileMapping, NamedEvent } from "remoting/ipc";
import { expect, test } from "vitest";
import { checkObjectName } from "../../../src/ipc/object-name.ts";

test("options that are only a name", () => {
  const name = JSON.parse('"Local\\\\Ready"');
  for (const [create, where] of [
    [() => NamedEvent.create(name), "NamedEvent.create"],
    [() => NamedEvent.createOrOpen(name), "NamedEvent.createOrOpen"],
    [() => FileMapping.create(name), "FileMapping.create"],
    [() => FileMapping.createOrOpen(name), "FileMapping.createOrOpen"],
  ] as const) {
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`${where} takes an object with options, such as { name: "Local\\\\`);
    expect(create).toThrow('not "Local\\\\Ready"');
  }
});

test.each([
  ["event", "an event"],
  ["mutex", "a mutex"],
])("a name of %s", (kind, text) => {
  expect(() => checkObjectName("", kind)).toThrow(`The name of ${text} has 1 to 200 characters`);
  expect(() => checkObjectName("a\\b", kind)).toThrow(`is not a name for ${text}:`);
});
