/** The kinds of binary data that keep their type on the wire. */

interface BinaryKind {
  readonly prototype: object;
  /** Makes the value from memory that nobody else holds. */
  create(memory: ArrayBuffer): unknown;
}

function typedArray<T extends { readonly BYTES_PER_ELEMENT: number }>(
  type: T & { readonly prototype: object; readonly name: string; new (memory: ArrayBuffer): unknown },
): BinaryKind {
  return {
    prototype: type.prototype,
    create(memory) {
      if (memory.byteLength % type.BYTES_PER_ELEMENT !== 0) {
        throw new RangeError(`${memory.byteLength} bytes do not make a whole ${type.name}`);
      }
      return new type(memory);
    },
  };
}

/** The number of Buffer, the only kind whose memory may begin before it. */
export const bufferKind = 0;

/** The index of a kind is its number on the wire: new kinds are added at the end. */
const binaryKinds: readonly BinaryKind[] = [
  { prototype: Buffer.prototype, create: (memory) => Buffer.from(memory) },
  typedArray(Uint8Array),
  typedArray(Int8Array),
  typedArray(Uint8ClampedArray),
  typedArray(Int16Array),
  typedArray(Uint16Array),
  typedArray(Int32Array),
  typedArray(Uint32Array),
  typedArray(Float32Array),
  typedArray(Float64Array),
  typedArray(BigInt64Array),
  typedArray(BigUint64Array),
  { prototype: ArrayBuffer.prototype, create: (memory) => memory },
  { prototype: DataView.prototype, create: (memory) => new DataView(memory) },
];

const kindByPrototype = new Map(binaryKinds.map((kind, index) => [kind.prototype, index]));

/** The number of the kind whose instances have this prototype, or `undefined` if it is not binary data. */
export function binaryKindOf(prototype: object): number | undefined {
  return kindByPrototype.get(prototype);
}

/** The bytes of a value whose kind is known. They share the value's memory. */
export function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Makes a value of the kind; `undefined` if there is no such kind. Throws RangeError if the length does not fit. */
export function createBinary(kind: number, memory: ArrayBuffer): unknown {
  return binaryKinds[kind]?.create(memory);
}
