/**
 * wire.ts - encodes and decodes protobuf messages by field number, without a .proto: an independent check of the API.
 *
 * In:    numbers and values: strings, bytes (a nested message), numbers and booleans (varints).
 * Out:   fields of a message by number.
 *        Format: protobuf.dev/programming-guides/encoding.
 */

const VARINT = 0
const FIXED64 = 1
const BYTES = 2

export type Value = string | Uint8Array | number | boolean

/** A message with these fields, in this order. */
export function encode(...fields: readonly (readonly [number, Value])[]): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => field(number, value)))
}

function field(number: number, value: Value): Uint8Array[] {
  if (typeof value === 'number' || typeof value === 'boolean')
    return [varint(number * 8 + VARINT), varint(Number(value))]
  const bytes = Buffer.from(value as string)
  return [varint(number * 8 + BYTES), varint(bytes.length), bytes]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

/** A decoded message. */
export class Fields {
  readonly #values = new Map<number, (bigint | number | Buffer)[]>()

  constructor(bytes: Buffer) {
    for (let at = 0; at < bytes.length; ) {
      const [key, from] = readVarint(bytes, at)
      const number = Number(key >> 3n)
      const [value, end] = readValue(bytes, from, Number(key & 7n))
      this.#values.set(number, [...(this.#values.get(number) ?? []), value])
      at = end
    }
  }

  has(number: number): boolean {
    return this.#values.has(number)
  }
  /** Zero when absent, as in proto3. */
  number(number: number): number {
    return Number(this.#values.get(number)?.at(-1) ?? 0)
  }
  text(number: number): string {
    return (this.#values.get(number)?.at(-1) as Buffer | undefined)?.toString() ?? ''
  }
  message(number: number): Fields {
    return new Fields((this.#values.get(number)?.at(-1) as Buffer | undefined) ?? Buffer.alloc(0))
  }
  messages(number: number): Fields[] {
    return (this.#values.get(number) ?? []).map(bytes => new Fields(bytes as Buffer))
  }
}

function readVarint(bytes: Buffer, at: number): [bigint, number] {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes.readUInt8(at++)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, at]
  }
}

function readValue(bytes: Buffer, at: number, type: number): [bigint | number | Buffer, number] {
  if (type === VARINT) return readVarint(bytes, at)
  if (type === FIXED64) return [bytes.readDoubleLE(at), at + 8]
  if (type !== BYTES) throw new Error(`wire type ${type} at byte ${at}`)
  const [length, from] = readVarint(bytes, at)
  const end = from + Number(length)
  if (end > bytes.length) throw new Error(`a field ends at byte ${end} of ${bytes.length}`)
  return [bytes.subarray(from, end), end]
}
