/** What the addon has for named pipes; native/pipe/pipe.cc is the other side of it. */

/** Codes that are not the system's, which are positive. */
export const pipeCode = {
  success: 0,
  end: -1,
  aborted: -2,
  protocol: -3,
  messageCancelled: -4,
  closed: -5,
  busy: -6,
  refused: -7,
} as const;

/** What one read brings at most, in bytes. */
export const largestPiece = 65_536;

/** One end of a pipe, or an instance of a server that has no client yet. */
export interface NativePipe {
  /** True if there is a client already; else `onConnected` tells. */
  accept(): boolean;
  /** True if it was given up at once; else `onConnected` tells how it ended. The other cancels likewise. */
  cancelAccept(): boolean;
  /** Whether the name is free of this instance now. */
  releaseName(): boolean;
  disconnect(): void;
  close(): void;
  setReadMemory(memory: Buffer): void;
  /** What there is at once: code, where in the memory, how much, whether a message ends there. Else `onRead` tells. */
  read(most: number): readonly [code: number, start: number, length: number, complete: number] | undefined;
  cancelRead(): boolean;
  peek(target: Uint8Array): readonly [code: number, copied: number, available: number, left: number];
  receive(memory: Buffer, pieces: Uint32Array): void;
  /** Whether the system has taken it all; else `onWritten` tells, and the memory must stay as it is until then. */
  write(memory: Uint8Array, start: number, end: number, tail: Uint8Array | undefined): boolean;
  cancelWrites(): boolean;
  isDrained(): boolean;
  isMessageType(): boolean;
  peer(): NativePeer;
  setReferenced(referenced: boolean): void;
}

/** Who is at the other end, as the operating system says. Texts are empty where it does not. */
export interface NativePeer {
  readonly processId: number;
  readonly userId: string;
  readonly groupId: string;
  readonly userName: string;
}

/** What a pipe is made with. */
export interface NativePipeOptions {
  readonly name: string;
  readonly folder: string;
  readonly mode: number;
  readonly security: string;
  readonly trustedOwner: string;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly messageType: boolean;
  readonly firstInstance: boolean;
  readonly rejectRemote: boolean;
  readonly maxInstances: number;
  readonly inBufferSize: number;
  readonly outBufferSize: number;
}

/** Who is told, from the event loop. */
export type NativePipeEvents = readonly [
  onConnected: (code: number) => void,
  onRead: (code: number, start: number, length: number, complete: number) => void,
  onBatch: (pieces: number) => void,
  onEnd: (code: number) => void,
  onWritten: (messages: number, code: number) => void,
];

/** The family's part of the addon. */
export interface NativePipes {
  readonly Pipe: new (isServer: boolean, options: NativePipeOptions, events: NativePipeEvents) => NativePipe;
}
