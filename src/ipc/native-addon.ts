/**
 * Finds and loads the native addon, when something needs it for the first time: whoever uses neither pipes nor
 * mailslots nor shared memory needs no binary.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { NativeAddonError } from "./ipc-error.ts";
import type { NativeMailslots } from "./mailslots/native-mailslots.ts";
import type { NativePipes } from "./pipes/native-pipes.ts";

/** What the addon itself has, and what each family adds. */
export interface NativeAddon extends NativeMailslots, NativePipes {
  /** How many handles of this thread the addon has open. */
  openResources(): number;
  /** The system's symbolic name of a code, and what it says about it. */
  describeSystemCode(code: number): readonly [name: string, text: string];
  readonly Mapping: NativeMappingClass;
  readonly Mutex: new (name: string, disposition: NativeDisposition) => NativeMutex;
  readonly Event: new (
    name: string,
    disposition: NativeDisposition,
    isManual: boolean,
    isSignaled: boolean,
  ) => NativeEvent;
}

/** What a view of a file mapping may do. `"copyOnWrite"` keeps what is written to the view that wrote it. */
export type MappingAccess = "read" | "readWrite" | "copyOnWrite";

/** Whether a name must be there, must not be, or may. */
export type NativeDisposition = "create" | "open" | "createOrOpen";

/** How a wait has ended. */
export type NativeWaitOutcome = "done" | "abandoned" | "timeout" | "interrupted";

/** Told once how a wait has ended. */
export type NativeWaitCallback = (error: Error | null, outcome: NativeWaitOutcome | undefined) => void;

/** A mutex of the addon's. One `acquire` at a time; `close` neither while it waits nor while it holds. */
export interface NativeMutex {
  readonly existed: boolean;
  acquire(milliseconds: number, callback: NativeWaitCallback): void;
  /** Ends the present `acquire` soon, unless it has just got the mutex. */
  interrupt(): void;
  release(): void;
  close(): void;
}

/** An event of the addon's. */
export interface NativeEvent {
  readonly existed: boolean;
  set(): void;
  reset(): void;
  /** Returns what ends the wait soon. */
  wait(milliseconds: number, callback: NativeWaitCallback): () => void;
  /** Waits that are under way go on. */
  close(): void;
}

/** What a mapping is made with; everything has been checked. */
export interface NativeMappingOptions {
  readonly name: string;
  readonly file: string;
  readonly size: number;
  readonly access: MappingAccess;
  readonly disposition: NativeDisposition;
}

/** The addon's class of mappings; the class of views comes with it. */
export interface NativeMappingClass {
  new (options: NativeMappingOptions): NativeMapping;
  readonly View: object;
}

/** A mapping of the addon's. */
export interface NativeMapping {
  readonly size: number;
  readonly existed: boolean;
  mapView(viewClass: object, offset: number, length: number, access: MappingAccess): NativeView;
  close(): void;
}

/** A view of the addon's. */
export interface NativeView {
  copyOut(position: number, target: Uint8Array): void;
  copyIn(position: number, source: Uint8Array): void;
  flush(): Promise<void>;
  memory(): ArrayBuffer;
  close(): void;
}

const require = createRequire(import.meta.url);

function pathOfBinary(): string {
  // For tests of a binary that was built with a sanitizer.
  const chosen = process.env.REMOTING_NATIVE;
  const platform = `${process.platform}-${process.arch}`;
  if (chosen !== undefined && chosen !== "") {
    if (!existsSync(chosen)) throw missing(platform, chosen);
    return chosen;
  }
  try {
    // By the name that package.json gives it, since this module is in different folders as source and in the package.
    return require.resolve(`#prebuilds/${platform}/remoting.node`);
  } catch (cause) {
    throw missing(platform, `prebuilds/${platform}/remoting.node`, cause);
  }
}

function missing(platform: string, path: string, cause?: unknown): NativeAddonError {
  return new NativeAddonError(
    `There is no native addon for ${platform}: ${path} is missing. Named pipes, mailslots and shared memory need it; tcp:// and memory:// do not. In a checkout, install cmake and a C++ compiler and run "npm run build:native"; the published package has it for linux-x64 and win32-x64`,
    { cause },
  );
}

/**
 * The addon of this thread. Node keeps what it has loaded, so it is cheap to ask for it.
 *
 * @throws NativeAddonError that says what is missing and how to build it.
 */
export function nativeAddon(): NativeAddon {
  const path = pathOfBinary();
  try {
    return require(path);
  } catch (cause) {
    throw new NativeAddonError(
      `The native addon cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}. It may have been built for another system: run "npm run build:native -- --force" in a checkout`,
      { cause },
    );
  }
}

/**
 * How many pipes, mailslots, mappings and views this thread has open: for finding out whether a program forgets to
 * close some. What is forgotten counts until the garbage collector has found it.
 *
 * @throws NativeAddonError if there is no addon.
 */
export function openIpcResources(): number {
  return nativeAddon().openResources();
}
