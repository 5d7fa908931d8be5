/** File mappings: one memory in several processes, with names that live as long as somebody holds them. */
import { chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { FileMapping, type IpcError, type MappedView, openIpcResources } from "remoting/ipc";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { IpcProgram, ipcSource } from "./ipc-program.ts";

let names = 0;

/** A name that no other test has, nor another run of them. */
function newName(): string {
  return `Local\\test-${process.pid}-${++names}`;
}

/** A mapping that is closed with its test. */
function create(options: Parameters<typeof FileMapping.create>[0]): FileMapping {
  const mapping = FileMapping.create(options);
  onTestFinished(() => mapping.close());
  return mapping;
}

/** A view of all of it that is closed with its test: one that the garbage collector has to find counts as open. */
function viewOf(mapping: FileMapping): MappedView {
  const view = mapping.createView();
  onTestFinished(() => view.close());
  return view;
}

function faultOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as IpcError).fault ?? String(error);
  }
  return "none";
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "remoting-mapping-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  expect(openIpcResources()).toBe(0);
});

describe("a name", () => {
  test("is opened by another process, which sees what is written and writes itself", async () => {
    const name = newName();
    const view = viewOf(create({ name, size: 100 }));
    view.write(0, Buffer.from("Message from the first process"));
    using other = IpcProgram.start(`
      const view = FileMapping.open(${JSON.stringify(name)}).createView();
      say(view.read(0, 30).toString());
      view.write(50, Buffer.from("and back"));
      say("written");`);
    expect(await other.nextLine()).toBe("Message from the first process");
    expect(await other.nextLine()).toBe("written");
    expect(view.read(50, 8).toString()).toBe("and back");
  });

  test("that is taken cannot be created again, and createOrOpen says that it was there", () => {
    const name = newName();
    create({ name, size: 100 });
    expect(faultOf(() => FileMapping.create({ name, size: 100 }))).toBe("in-use");
    using same = FileMapping.createOrOpen({ name, size: 100 });
    expect(same.alreadyExisted).toBe(true);
    expect(same.size).toBeGreaterThanOrEqual(100);
    expect(faultOf(() => FileMapping.createOrOpen({ name, size: 1_000_000 }))).toBe("too-large");
    using fresh = FileMapping.createOrOpen({ name: newName(), size: 100 });
    expect(fresh.alreadyExisted).toBe(false);
  });

  test("is gone with its last holder, and not before", () => {
    const name = newName();
    const first = FileMapping.create({ name, size: 10 });
    const second = FileMapping.open(name);
    first.close();
    FileMapping.open(name).close();
    second.close();
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
    create({ name, size: 20 });
  });

  test("is gone when its last holder was killed, and so is its memory when the next one is created", async () => {
    const name = newName();
    using other = IpcProgram.start(`
      globalThis.kept = FileMapping.create({ name: ${JSON.stringify(name)}, size: 4096 });
      stay();
      say("created");`);
    expect(await other.nextLine()).toBe("created");
    FileMapping.open(name).close();
    await other.kill();
    create({ name: newName(), size: 1 });
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
    if (process.platform === "linux") {
      const left = await readdir(`/dev/shm/remoting-${process.getuid?.()}`);
      expect(left.filter((file) => file.includes(name.slice("Local\\".length)))).toEqual([]);
    }
    create({ name, size: 10 });
  });

  test("without a prefix is the same as a local one", () => {
    const name = newName();
    viewOf(create({ name, size: 10 })).writeUint8(3, 42);
    using same = FileMapping.open(name.slice("Local\\".length), { access: "read" });
    using view = same.createView();
    expect(view.readUint8(3)).toBe(42);
  });

  test("in other letters is another one", () => {
    const name = newName();
    create({ name: `${name}-case`, size: 10 });
    expect(faultOf(() => FileMapping.open(`${name}-CASE`))).toBe("not-found");
  });

  test("of the whole machine is another one", () => {
    const name = newName();
    const global = name.replace("Local", "Global");
    viewOf(create({ name: global, size: 10 })).writeUint8(0, 1);
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
    FileMapping.open(global).close();
  });

  test.each(["", "Local\\", "LOCAL\\a", "a\\b", "Session\\3\\x", "x".repeat(201), "a\0b"])(
    "is not %j",
    (name) => {
      expect(() => FileMapping.create({ name, size: 1 })).toThrow(TypeError);
      expect(() => FileMapping.open(name)).toThrow(TypeError);
    },
  );

  test("may be long and strange", () => {
    const name = `Local\\${process.pid} ä/../%2f:*?"<>| ${"x".repeat(150)}`;
    if (process.platform === "win32") return;
    create({ name, size: 10 });
    FileMapping.open(name).close();
  });

  test.runIf(process.getuid?.() === 0)("that belongs to another user is not believed", async () => {
    const bare = newName().slice("Local\\".length);
    const name = `Global\\${bare}`;
    create({ name: `Global\\${bare}-ours`, size: 10 });
    const path = `/dev/shm/remoting-global/map.${bare}`;
    await writeFile(path, "x".repeat(100));
    await chown(path, 12_345, 12_345);
    try {
      for (const take of [
        () => FileMapping.open(name),
        () => FileMapping.create({ name, size: 1 }),
        () => FileMapping.createOrOpen({ name, size: 1 }),
      ]) {
        expect(faultOf(take)).toBe("access-denied");
      }
    } finally {
      await rm(path);
    }
  });
});

describe("views", () => {
  test("begin anywhere, and see the same memory", () => {
    const mapping = create({ name: newName(), size: 200_000 });
    const whole = mapping.createView();
    whole.write(0, Buffer.alloc(200_000, "0123456789"));
    for (const offset of [0, 1, 4095, 4096, 65_535, 65_536, 131_073, 199_999]) {
      using view = mapping.createView({ offset });
      expect(view.size).toBe(200_000 - offset);
      expect(view.read().equals(whole.read(offset))).toBe(true);
      view.writeUint8(view.size - 1, 7);
      expect(whole.readUint8(199_999)).toBe(7);
    }
    whole.close();
  });

  test("end where they end", () => {
    using mapping = FileMapping.create({ name: newName(), size: 100 });
    expect(() => mapping.createView({ offset: 50, size: 51 })).toThrow(RangeError);
    expect(() => mapping.createView({ offset: 100 })).toThrow(RangeError);
    expect(() => mapping.createView({ offset: -1 })).toThrow(RangeError);
    expect(() => mapping.createView({ size: 0.5 })).toThrow(RangeError);
    using view = mapping.createView({ offset: 50 });
    expect(view.read(49, 1)).toHaveLength(1);
    expect(view.read(50)).toHaveLength(0);
    for (const outside of [
      () => view.read(50, 1),
      () => view.read(-1, 1),
      () => view.read(0, 51),
      () => view.read(Number.NaN, 1),
      () => view.readInt32(47),
      () => view.readBigInt64(43),
      () => view.write(49, Buffer.alloc(2)),
      () => view.writeFloat64(43, 1),
    ]) {
      expect(outside).toThrow(RangeError);
    }
  });

  test("have numbers of every kind, aligned or not", () => {
    using mapping = FileMapping.create({ size: 64 });
    using view = mapping.createView();
    view.writeInt8(1, -128);
    view.writeUint8(2, 255);
    view.writeInt16(3, -32_768);
    view.writeUint16(5, 65_535);
    view.writeInt32(7, -(2 ** 31));
    view.writeUint32(11, 2 ** 32 - 1);
    view.writeBigInt64(15, -(2n ** 63n));
    view.writeBigUint64(23, 2n ** 64n - 1n);
    view.writeFloat32(31, 0.5);
    view.writeFloat64(35, Math.PI);
    expect([
      view.readInt8(1),
      view.readUint8(2),
      view.readInt16(3),
      view.readUint16(5),
      view.readInt32(7),
      view.readUint32(11),
      view.readBigInt64(15),
      view.readBigUint64(23),
      view.readFloat32(31),
      view.readFloat64(35),
    ]).toEqual([
      -128,
      255,
      -32_768,
      65_535,
      -(2 ** 31),
      2 ** 32 - 1,
      -(2n ** 63n),
      2n ** 64n - 1n,
      0.5,
      Math.PI,
    ]);
    expect(view.read(7, 4)).toEqual(Buffer.from([0, 0, 0, 0x80]));
  });

  test("to read only cannot be written to", () => {
    const name = newName();
    const writable = create({ name, size: 10 });
    using reader = FileMapping.open(name, { access: "read" });
    using view = reader.createView();
    expect(() => view.writeInt8(0, 1)).toThrow(TypeError);
    expect(() => view.write(0, Buffer.alloc(1))).toThrow(TypeError);
    expect(() => reader.createView({ access: "readWrite" })).toThrow(TypeError);
    using narrowed = writable.createView({ access: "read" });
    expect(() => narrowed.writeInt8(0, 1)).toThrow(TypeError);
  });

  test("that are copied on write keep what is written to them", () => {
    using mapping = FileMapping.create({ size: 10 });
    using shared = mapping.createView();
    using own = mapping.createView({ access: "copyOnWrite" });
    shared.writeUint8(0, 1);
    expect(own.readUint8(0)).toBe(1);
    own.writeUint8(0, 2);
    expect([shared.readUint8(0), own.readUint8(0)]).toEqual([1, 2]);
  });

  test("go on when the mapping is closed, and end with themselves", () => {
    const mapping = FileMapping.create({ size: 10 });
    const view = mapping.createView();
    mapping.close();
    mapping.close();
    view.writeUint8(0, 9);
    expect(view.readUint8(0)).toBe(9);
    expect(faultOf(() => mapping.createView())).toBe("closed");
    view.close();
    view.close();
    expect(faultOf(() => view.readUint8(0))).toBe("closed");
    expect(faultOf(() => view.memory())).toBe("closed");
  });
});

describe("the memory itself", () => {
  test("is seen without a copy, by other views too", () => {
    using mapping = FileMapping.create({ size: 100 });
    using view = mapping.createView({ offset: 10 });
    const bytes = new Uint8Array(view.memory());
    expect(bytes).toHaveLength(90);
    view.writeUint8(5, 77);
    expect(bytes[5]).toBe(77);
    bytes[6] = 78;
    expect(view.readUint8(6)).toBe(78);
    expect(view.memory()).toBe(view.memory());
  });

  test("is empty once the view is closed, and cannot be given away", () => {
    using mapping = FileMapping.create({ size: 100 });
    const view = mapping.createView();
    const memory = view.memory();
    const bytes = new Uint8Array(memory);
    // Node 20 sends a copy instead, later ones throw.
    try {
      structuredClone(memory, { transfer: [memory] });
    } catch (error) {
      expect(error).toMatchObject({ name: "DataCloneError" });
    }
    expect(memory.byteLength).toBe(100);
    view.close();
    expect(memory.byteLength).toBe(0);
    expect(bytes[0]).toBeUndefined();
  });
});

describe("a file", () => {
  test("is made as long as it has to be, and has what is written when it is flushed", async () => {
    const file = join(folder, "made");
    using mapping = FileMapping.create({ file, size: 5000 });
    using view = mapping.createView();
    view.write(4990, Buffer.from("the end"));
    await view.flush();
    const content = await readFile(file);
    expect(content).toHaveLength(5000);
    expect(content.toString("latin1", 4990, 4997)).toBe("the end");
  });

  test("that is there is mapped as long as it is", async () => {
    const file = join(folder, "present");
    await writeFile(file, "what was there before");
    using mapping = FileMapping.create({ file, access: "read" });
    expect(mapping.size).toBe(21);
    using view = mapping.createView();
    expect(view.read().toString()).toBe("what was there before");
  });

  test("has a name, under which another process opens it; both go, the file stays", async () => {
    const name = newName();
    const file = join(folder, "named");
    const mapping = FileMapping.create({ name, file, size: 100 });
    const view = mapping.createView();
    using other = IpcProgram.start(`
      const mapping = FileMapping.open(${JSON.stringify(name)});
      mapping.createView().write(0, Buffer.from("from elsewhere"));
      say("written");`);
    expect(await other.nextLine()).toBe("written");
    expect(view.read(0, 14).toString()).toBe("from elsewhere");
    await other.ended();
    view.close();
    mapping.close();
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
    expect((await stat(file)).size).toBe(100);
  });

  test.each([
    ["that is missing", () => ({ file: join(folder, "nowhere"), access: "read" as const }), "not-found"],
    [
      "that is a folder",
      () => ({ file: folder, access: "read" as const }),
      process.platform === "win32" ? "access-denied" : "invalid",
    ],
    ["in a folder that is missing", () => ({ file: join(folder, "no", "file"), size: 1 }), "not-found"],
  ])("%s is an error", (_what, options, fault) => {
    expect(faultOf(() => FileMapping.create(options()))).toBe(fault);
  });

  test("that is empty, or too short and to be read only, is an error that says so", async () => {
    const file = join(folder, "empty");
    await writeFile(file, "");
    expect(faultOf(() => FileMapping.create({ file, access: "read" }))).toBe("invalid");
    expect(faultOf(() => FileMapping.create({ file, access: "read", size: 10 }))).toBe("invalid");
  });
});

describe("limits and ends", () => {
  test("more memory than there is, is an error and no crash", () => {
    expect(faultOf(() => FileMapping.create({ name: newName(), size: 2 ** 45 }))).toBe("full");
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 60, undefined])("a size of %s is refused", (size) => {
    expect(() => FileMapping.create({ name: newName(), ...(size === undefined ? {} : { size }) })).toThrow(
      RangeError,
    );
  });

  test("what a thread has open is closed with it", async () => {
    const name = newName();
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       parentPort.on("message", () => {});
       import("tsx/esm/api").then(({ register }) => register()).then(() => import(${ipcSource})).then(({ FileMapping }) => {
         const mapping = FileMapping.create({ name: ${JSON.stringify(name)}, size: 10 });
         globalThis.kept = [mapping, mapping.createView(), mapping.createView().memory()];
         parentPort.postMessage("open");
       });`,
      { eval: true },
    );
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    FileMapping.open(name).close();
    await worker.terminate();
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
  });

  test("a process may end with everything open", async () => {
    const name = newName();
    using other = IpcProgram.start(`
      const mapping = FileMapping.create({ name: ${JSON.stringify(name)}, size: 10 });
      globalThis.kept = [mapping, mapping.createView(), mapping.createView().memory()];
      say("open");`);
    expect(await other.nextLine()).toBe("open");
    expect(await other.ended()).toBe(0);
    expect(faultOf(() => FileMapping.open(name))).toBe("not-found");
  });

  test("two thousand mappings and views leave nothing behind", async () => {
    const before = openIpcResources();
    const name = newName();
    for (let count = 0; count < 2_000; count++) {
      const mapping = FileMapping.create({ name, size: 10 });
      mapping.createView().close();
      mapping.close();
    }
    expect(openIpcResources()).toBe(before);
    if (process.platform === "linux") expect((await readdir("/proc/self/fd")).length).toBeLessThan(500);
  });
});
