// Thrift compact protocol (apache/thrift, thrift-compact-protocol.md), as far as Parquet's metadata needs
// it: structs of ascending field ids, lists, whole numbers, booleans and binary.

export const THRIFT_TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
export const THRIFT_I32 = 5
export const THRIFT_I64 = 6
export const THRIFT_BINARY = 8
const LIST = 9
export const THRIFT_STRUCT = 12

const text = new TextEncoder()

/** Writes structs one behind the other into a buffer that grows. Ids of a struct's fields must ascend. */
export class ThriftWriter {
  #bytes = new Uint8Array(256)
  #size = 0
  /** Id of the field before, in the struct that is open. */
  #last = 0

  get size(): number {
    return this.#size
  }

  /** What was written so far; a view, valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  clear(): void {
    this.#size = 0
  }

  i8(id: number, value: number): void {
    this.#header(id, BYTE)
    this.#byte(value)
  }

  i16(id: number, value: number): void {
    this.#header(id, I16)
    this.#varint(zigzag(value))
  }

  i32(id: number, value: number): void {
    this.#header(id, THRIFT_I32)
    this.#varint(zigzag(value))
  }

  i64(id: number, value: number): void {
    this.#header(id, THRIFT_I64)
    this.#varint(zigzag(value))
  }

  bool(id: number, value: boolean): void {
    this.#header(id, value ? THRIFT_TRUE : FALSE)
  }

  binary(id: number, value: Uint8Array | string): void {
    this.#header(id, THRIFT_BINARY)
    this.binaryElement(value)
  }

  /** A struct field; `fields` writes what is in it. */
  struct(id: number, fields: () => void): void {
    this.#header(id, THRIFT_STRUCT)
    this.structElement(fields)
  }

  /** A struct of no fields: what unions of names are made of. */
  name(id: number): void {
    this.#header(id, THRIFT_STRUCT)
    this.#byte(0)
  }

  /** A list field; `element` writes each of `items`, by the methods that take no id. */
  list<T>(id: number, type: number, items: readonly T[], element: (item: T) => void): void {
    this.#header(id, LIST)
    if (items.length < 15) this.#byte((items.length << 4) | type)
    else {
      this.#byte(0xf0 | type)
      this.#varint(items.length)
    }
    for (const item of items) element(item)
  }

  /** A struct as an element of a list, or at the top. */
  structElement(fields: () => void): void {
    const last = this.#last
    this.#last = 0
    fields()
    this.#last = last
    this.#byte(0)
  }

  /** An i32 or i64 as an element of a list. */
  wholeElement(value: number): void {
    this.#varint(zigzag(value))
  }

  boolElement(value: boolean): void {
    this.#byte(value ? THRIFT_TRUE : FALSE)
  }

  binaryElement(value: Uint8Array | string): void {
    const bytes = typeof value === 'string' ? text.encode(value) : value
    this.#varint(bytes.length)
    this.encoded(bytes)
  }

  /** A struct that was encoded before, its stop included. */
  encodedStruct(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT_STRUCT)
    this.encoded(bytes)
  }

  encoded(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  #header(id: number, type: number): void {
    const delta = id - this.#last
    this.#last = id
    // every id that Parquet has is at most 15 past the one before
    this.#byte((delta << 4) | type)
  }

  #byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#size++] = value
  }

  /** By division: bit operators would cut what is past 32 bits. Exact, as doubling is, below 2^54. */
  #varint(value: number): void {
    this.#room(10)
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.#bytes[this.#size++] = (value % 0x80) | 0x80
    this.#bytes[this.#size++] = value
  }

  #room(more: number): void {
    if (this.#size + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + more))
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}

/** The bytes of what `put` writes. */
export function thriftBytes(put: (writer: ThriftWriter) => void): Uint8Array {
  const writer = new ThriftWriter()
  put(writer)
  return writer.bytes().slice()
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}
