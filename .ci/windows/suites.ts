/** What is run with Windows' node.exe under Wine, and what is not, and why. */

/** Tests that run in one process, within one time limit. */
export interface Suite {
  readonly name: string;
  /** Folders, files, or beginnings of their paths, as vitest takes them. */
  readonly files: readonly string[];
  /** The tests of them that are run, as a pattern of their names; without it all. */
  readonly tests?: string;
  /** The time limit, several times what the suite takes on two quiet cores. */
  readonly seconds: number;
}

/** What was seen to pass. test.ts names every other test file as one that was not run. */
export const suites: readonly Suite[] = [
  {
    name: "conformance",
    // A row takes 40 s here, and both formatters are the same on every system: one for each channel.
    files: ["tcp-msgpack", "memory-json", "worker-msgpack"].map((row) => `test/conformance/${row}.test.ts`),
    seconds: 300,
  },
  {
    name: "unit",
    files: ["channels", "contract", "formatters", "marshaling", "sinks", "transports"].map(
      (folder) => `test/unit/${folder}/`,
    ),
    seconds: 240,
  },
  {
    name: "pipes",
    files: [
      ...["named-pipe", "pipe-channel", "pipe-processes", "pipe-security.win32"].map(
        (file) => `test/native/${file}.test.ts`,
      ),
      "test/conformance/pipe-msgpack.test.ts",
    ],
    seconds: 600,
  },
  {
    name: "mailslots",
    files: ["test/native/mailslot.test.ts", "test/conformance/mailslot-msgpack.test.ts"],
    seconds: 400,
  },
  {
    name: "shm",
    files: ["test/native/ring/shm-transport.test.ts", "test/conformance/shm-msgpack.test.ts"],
    seconds: 400,
  },
  {
    name: "shm-killed",
    files: ["test/fault/shm-killed.test.ts"],
    // What only Windows has, and two of the others. Those are the same code as on Linux, and a kill takes 3 s here; all
    // 49 passed when the file was run by itself.
    tests: "at (memory-|handover-|bell)|the server, at writer-copy-half|the client, at reader-asleep",
    seconds: 300,
  },
  {
    name: "native",
    files: ["addon", "file-mapping", "named-mutex", "named-event"].map(
      (file) => `test/native/${file}.test.ts`,
    ),
    seconds: 400,
  },
  { name: "demo", files: ["test/examples/demo.test.ts"], seconds: 300 },
];

/** Something that runs on Linux only. */
export interface Skip {
  /** The file, as a path of the repository. */
  readonly file: string;
  /** Part of the test's full name; the whole file without it. */
  readonly test?: string;
  readonly reason: string;
}

/** What does not run here. `npm test` runs all of it on Linux. */
export const skips: readonly Skip[] = [
  {
    file: "test/native/pipe-channel.test.ts",
    test: "a name that is served is refused",
    reason:
      "Wine 8 does not enforce FILE_FLAG_FIRST_PIPE_INSTANCE, which is how a second server of a pipe:// is refused",
  },
  ...mailslotSkips(
    "it fills a slot: under Wine 8 the writer's thread then hangs in a write that nothing cancels",
    ["a full slot", "the slot is gone, and comes back", "a client that was closed"],
    ["a slot that is full"],
  ),
  ...mailslotSkips(
    "Wine 8 keeps a slot whose server is gone as long as a writer has it open, and takes what he writes",
    ["a server that was killed", "a thread that ends with everything open"],
    ["nobody is there; then somebody is, and then another", "is told of a mailslot that is gone"],
  ),
  ...mailslotSkips(
    "Wine 8 does not enforce a slot's maximum message size, and no writer can ask for it",
    ["a message that is too large is refused where it is written"],
    ["what is too large, for this end or for the other"],
  ),
  ...mailslotSkips(
    "Wine 8 says ERROR_GEN_FAILURE to a message that it does not take, which says nothing about sizes",
    ["one that the system does not take"],
    [],
  ),
  {
    file: "test/examples/examples.test.ts",
    reason:
      "Wine 8's server crashes under several of these process pairs in a row (twice of three runs); those of ipc and channel-swap passed when they were run by themselves",
  },
  {
    file: "test/fault/shm-hostile.test.ts",
    reason:
      "its liar hands over descriptors through a Unix socket, and its limits are ulimit's; Windows has neither, and nobody has written a liar for it yet",
  },
  {
    file: "test/unit/contract/decorator-modes.test.ts",
    test: "compiled by tsc",
    reason:
      "tsc looks for its Windows binary in the clone's node_modules only, where npm has put the Linux one",
  },
];

/** Tests of mailslots: of the classes, and of the channel with both formatters. */
function mailslotSkips(reason: string, raw: readonly string[], channel: readonly string[]): Skip[] {
  return [
    ...raw.map((test) => ({ file: "test/native/mailslot.test.ts", test, reason })),
    ...["msgpack", "json"].flatMap((formatter) =>
      channel.map((test) => ({ file: `test/conformance/mailslot-${formatter}.test.ts`, test, reason })),
    ),
  ];
}
