/** What cannot travel, and whether the advice is one that can be followed. */
import { createSecretKey } from "node:crypto";
import { EventEmitter } from "node:events";
import { Server } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { refusalOf } from "../../../src/marshaling/refusal.ts";

async function* ticks() {
  yield 1;
}

function* numbers() {
  yield 1;
}

const timer = setTimeout(() => {}, 0);
const immediate = setImmediate(() => {});
clearTimeout(timer);
clearImmediate(immediate);

test.each<[string, unknown]>([
  ["an async generator", ticks()],
  ["a generator", numbers()],
  ["an iterator", [1].values()],
  ["an iterator", new Map().entries()],
  ["an iterator", "aa".matchAll(/a/g)],
])("%s is told to use a callback or to collect the items", (what, value) => {
  expect(refusalOf(value)).toBe(
    `is ${what}, and streams cannot travel: use a callback that is called with each item, or collect the items in an array`,
  );
});

test.each<[string, unknown]>([
  ["a Readable", Readable.from([1])],
  ["a PassThrough", new PassThrough()],
  ["an OwnStream", new (class OwnStream extends Readable {})()],
  ["a ReadableStream", new ReadableStream()],
])("%s is told to use a callback or to collect the chunks", (what, value) => {
  expect(refusalOf(value)).toBe(
    `is ${what}, and streams cannot travel: use a callback that is called with each chunk, or collect them in a Buffer`,
  );
});

test.each<[string, unknown]>([
  ["a RegExp", /x/],
  ["a URL", new URL("a:b")],
  ["an AbortController", new AbortController()],
  ["a Timeout", timer],
  ["an Immediate", immediate],
  ["an EventEmitter", new EventEmitter()],
  ["a Server", new Server()],
  ["a SecretKeyObject", createSecretKey(Buffer.alloc(16))],
])("%s, a class that nobody can mark, is not told to mark it", (what, value) => {
  expect(refusalOf(value)).toBe(`is ${what}, which cannot travel: pass what it is made of instead`);
});

test.each<[string, unknown]>([
  ["Timeout", new (class Timeout {})()],
  ["Agent", new (class Agent {})()],
  ["Bus", new (class Bus extends EventEmitter {})()],
])("a user's class %s is told to be marked, or what to do if it cannot be", (name, value) => {
  expect(refusalOf(value)).toMatch(
    new RegExp(
      `^is an instance of ${name}, .*@Serializable\\(\\).*MarshalByRefObject.*if the class is not yours`,
    ),
  );
});
