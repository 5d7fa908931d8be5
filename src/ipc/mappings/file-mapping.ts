/** Memory that processes share under a name, or through a file. */
import { IpcError } from "../ipc-error.ts";
import {
  type MappingAccess,
  type NativeMapping,
  type NativeMappingOptions,
  nativeAddon,
} from "../native-addon.ts";
import { checkNamedOptions, checkObjectName } from "../object-name.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { MappedView } from "./mapped-view.ts";

const example = '{ name: "Local\\\\HelloWorld", size: 4096 }';

/** What {@link FileMapping.create} is told. */
export interface FileMappingOptions {
  /**
   * Under what name others open it, at most 200 characters: `"Local\\HelloWorld"` for the processes of this user
   * (on Windows: of this session), `"Global\\HelloWorld"` for the whole machine, without a prefix as with `Local\`.
   * Upper and lower case make a difference, as on Windows. Default none: then only those who map the same file share it.
   */
  readonly name?: string;
  /**
   * Bytes, from 1 to 2^53-1. All of them are there from the start and are zero, so a full system is an error now and
   * not a crash later. May be left out with a {@link file} that has its length already.
   */
  readonly size?: number;
  /**
   * The path of the file that is mapped: made, or made longer, where it is shorter than {@link size}. Default none:
   * memory, which on Windows is the paging file's and on Linux lies in `/dev/shm`.
   */
  readonly file?: string;
  /**
   * What views may do. Default `"readWrite"`. With `"copyOnWrite"` what is written stays in the view that wrote it.
   * Memory is always made to be written to; whoever opens it may ask for less.
   */
  readonly access?: MappingAccess;
}

/** What {@link FileMapping.createView} is told. */
export interface ViewOptions {
  /** Where in the mapping the view begins. Default 0. Any offset will do: pages are the class's affair. */
  readonly offset?: number;
  /** How many bytes it has. Default all up to the mapping's end. */
  readonly size?: number;
  /** What it may do, not more than the mapping itself. Default what the mapping may. */
  readonly access?: MappingAccess;
}

const advice = {
  "not-found": "Nobody has it open: it is there only as long as a process holds it",
  "in-use":
    "Open it with FileMapping.open, take either with FileMapping.createOrOpen, or choose another name",
  full: "There is not so much memory: make it smaller, or clear /dev/shm on Linux",
  "access-denied": "It belongs to another user, or Global\\ needs a privilege that this user does not have",
};

/**
 * A file mapping (CreateFileMapping; System.IO.MemoryMappedFiles.MemoryMappedFile): memory that processes share. It is
 * there as long as somebody holds it, and its name goes with its last holder, even if that one was killed.
 *
 * Reading and writing never block, but nothing keeps two processes from writing at once: use a {@link NamedMutex} for
 * that, and a {@link NamedEvent} to say that there is something to read.
 *
 * @example
 * ```ts
 * // One process:
 * using mapping = FileMapping.create({ name: "Local\\HelloWorld", size: 4096 });
 * using view = mapping.createView();
 * view.write(0, Buffer.from("Message from the first process\0"));
 * // Another one, meanwhile:
 * using mapping = FileMapping.open("Local\\HelloWorld", { access: "read" });
 * using view = mapping.createView();
 * console.log(view.read(0, 30).toString());
 * ```
 */
export class FileMapping {
  /** As it was given; empty for one that has no name. */
  readonly name: string;
  readonly access: MappingAccess;
  /** Bytes. On Windows, where the system does not tell, that of a mapping that was opened is rounded up to a page. */
  readonly size: number;
  /** Whether somebody else had created it (ERROR_ALREADY_EXISTS). */
  readonly alreadyExisted: boolean;
  readonly #native: NativeMapping;
  #isClosed = false;

  private constructor(doing: string, options: NativeMappingOptions) {
    this.name = options.name;
    this.access = options.access;
    try {
      this.#native = new (nativeAddon().Mapping)(options);
    } catch (cause) {
      throw ipcErrorFrom(cause, `${doing} the file mapping ${describe(options)}`, advice);
    }
    this.size = this.#native.size;
    this.alreadyExisted = this.#native.existed;
  }

  /**
   * Creates a mapping that is not there yet (MemoryMappedFile.CreateNew, CreateFromFile).
   *
   * @throws IpcError: `"in-use"` if the name is taken, `"full"` if there is not so much memory, `"access-denied"`.
   * @throws TypeError or RangeError for options that are none.
   */
  static create(options: FileMappingOptions): FileMapping {
    checkNamedOptions(options, "FileMapping.create", example);
    return new FileMapping("create", { ...checked(options), disposition: "create" });
  }

  /**
   * Opens a mapping that somebody else has created (OpenFileMapping, MemoryMappedFile.OpenExisting).
   *
   * @param options Only `access`: all else has been decided by who created it. Default `"readWrite"`.
   * @throws IpcError: `"not-found"` if nobody holds it, `"access-denied"`.
   */
  static open(name: string, options: { readonly access?: MappingAccess } = {}): FileMapping {
    checkObjectName(name, "file mapping");
    const access = checkedAccess(options.access);
    return new FileMapping("open", { name, file: "", size: 0, access, disposition: "open" });
  }

  /**
   * Creates a mapping, or opens it if it is there (MemoryMappedFile.CreateOrOpen); {@link alreadyExisted} tells which.
   * An existing one keeps the size that it has.
   *
   * @throws IpcError: `"full"`, `"access-denied"`; `"too-large"` if there is one that is smaller than was asked for.
   */
  static createOrOpen(options: FileMappingOptions & { readonly name: string }): FileMapping {
    checkNamedOptions(options, "FileMapping.createOrOpen", example);
    const mapping = new FileMapping("create", { ...checked(options), disposition: "createOrOpen" });
    const { size = 0 } = options;
    if (mapping.size >= size) return mapping;
    mapping.close();
    throw new IpcError(
      "too-large",
      `The file mapping "${options.name}" was created with ${mapping.size} bytes by somebody else, and ${size} were asked for`,
    );
  }

  /**
   * Maps a part of it into this process (MapViewOfFile, MemoryMappedFile.CreateViewAccessor). A view goes on when the
   * mapping is closed.
   *
   * @throws RangeError if it does not lie within the mapping, TypeError if it may do more than the mapping.
   * @throws IpcError: `"closed"`; `"full"` if the process has no room for it.
   */
  createView(options: ViewOptions = {}): MappedView {
    if (this.#isClosed) throw new IpcError("closed", `The file mapping ${this.#title} is closed`);
    const { offset = 0, access = this.access } = options;
    const { size = this.size - offset } = options;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || offset < 0 || size < 1) {
      throw new RangeError(
        `A view has whole numbers for its offset, at least 0, and its size, at least 1; not ${offset} and ${size}`,
      );
    }
    if (offset + size > this.size) {
      throw new RangeError(
        `A view of ${size} bytes at ${offset} ends beyond the file mapping, which has ${this.size} bytes`,
      );
    }
    if (checkedAccess(access) === "readWrite" && this.access !== "readWrite") {
      throw new TypeError(
        `The file mapping ${this.#title} was opened for "${this.access}": a view cannot write to it`,
      );
    }
    const { Mapping } = nativeAddon();
    try {
      const native = this.#native.mapView(Mapping.View, offset, size, access);
      return new MappedView(native, offset, size, access, this.#title);
    } catch (cause) {
      throw ipcErrorFrom(cause, `map a view of ${this.#title}`, advice);
    }
  }

  get #title(): string {
    return this.name === "" ? "without a name" : `"${this.name}"`;
  }

  /** Lets go of it (CloseHandle). Views stay. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function describe({ name, file }: NativeMappingOptions): string {
  if (file !== "") return name === "" ? `of ${file}` : `"${name}" of ${file}`;
  return name === "" ? "without a name" : `"${name}"`;
}

function checkedAccess(access: unknown = "readWrite"): MappingAccess {
  if (access === "read" || access === "readWrite" || access === "copyOnWrite") return access;
  throw new TypeError(
    `The access of a file mapping is "read", "readWrite" or "copyOnWrite", not ${String(access)}`,
  );
}

function checked(options: FileMappingOptions): Omit<NativeMappingOptions, "disposition"> {
  const { name = "", file = "", size = 0 } = options;
  const access = checkedAccess(options.access);
  if (name !== "" || options.name !== undefined) checkObjectName(name, "file mapping");
  if (typeof file !== "string" || file.includes("\0"))
    throw new TypeError("The file of a file mapping is a path");
  if (!Number.isSafeInteger(size) || size < 0 || (size === 0 && file === "")) {
    throw new RangeError(
      `The size of a file mapping is a number of bytes, at least 1, not ${String(options.size)}; only with a file it may be left out`,
    );
  }
  if (file === "" && access !== "readWrite") {
    throw new TypeError(
      `New memory that may only be used for "${access}" would stay empty: create it for "readWrite"`,
    );
  }
  return { name, file, size, access };
}
