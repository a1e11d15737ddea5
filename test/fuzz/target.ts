/**
 * target.ts - a fuzz target: an entry point for bytes from outside, with a generator of such bytes.
 */
import fc from 'fast-check'

export interface FuzzTarget {
  /** Also the folder of its corpus: corpus/NAME/. */
  readonly name: string
  readonly input: fc.Arbitrary<Uint8Array>
  /** Throws when the code under test does anything but accept or refuse the input. */
  run(input: Uint8Array): void | Promise<void>
  /** Releases what keeps the process alive. */
  close?(): void | Promise<void>
}

type Edit = (bytes: Uint8Array) => Uint8Array

/** Numbers at the limits of lengths and counters. */
const ODD_NUMBERS = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const MAX_INSERTED = 64
const MAX_EDITS = 6
const MAX_REPEATS = 2000

const place = fc.double({ min: 0, max: 1, noNaN: true })
const at = (bytes: Uint8Array, share: number) => Math.floor(share * bytes.length)
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

const setByte = fc.tuple(place, fc.nat(255)).map(
  ([share, value]): Edit =>
    bytes => {
      const copy = Uint8Array.from(bytes)
      if (copy.length > 0) copy[Math.min(at(bytes, share), copy.length - 1)] = value
      return copy
    },
)
const setNumber = fc.tuple(place, fc.constantFrom(...ODD_NUMBERS), fc.constantFrom(2, 4), fc.boolean()).map(
  ([share, value, size, little]): Edit =>
    bytes => {
      const copy = Buffer.from(bytes)
      const start = at(bytes, share)
      if (start + size > copy.length) return copy
      const fitting = size === 2 ? value & 0xffff : value
      if (little) copy.writeUIntLE(fitting, start, size)
      else copy.writeUIntBE(fitting, start, size)
      return copy
    },
)
const cut = fc.tuple(place, place).map(
  ([share, length]): Edit =>
    bytes => {
      const start = at(bytes, share)
      return join(bytes.subarray(0, start), bytes.subarray(start + Math.ceil(length * 16)))
    },
)
const truncate = place.map(
  (share): Edit =>
    bytes =>
      bytes.slice(0, at(bytes, share)),
)
const insert = fc.tuple(place, fc.uint8Array({ maxLength: MAX_INSERTED })).map(
  ([share, more]): Edit =>
    bytes => {
      const start = at(bytes, share)
      return join(bytes.subarray(0, start), more, bytes.subarray(start))
    },
)
/** Repeats a short part: lists, nesting and runs of wildcards grow that way. */
const repeat = fc.tuple(place, fc.integer({ min: 1, max: 16 }), fc.nat(MAX_REPEATS)).map(
  ([share, length, times]): Edit =>
    bytes => {
      const start = at(bytes, share)
      const part = bytes.subarray(start, start + length)
      return join(bytes.subarray(0, start), ...Array.from({ length: times }, () => part), bytes.subarray(start))
    },
)
const edits = fc.array(fc.oneof(setByte, setNumber, cut, truncate, insert, repeat), {
  minLength: 1,
  maxLength: MAX_EDITS,
})

/** Inputs made from `valid` ones by a few edits each. */
export function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(valid, edits).map(([bytes, all]) => all.reduce((changed, edit) => edit(changed), bytes))
}

/** Valid inputs, mutated ones and noise. */
export function around(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 2, arbitrary: valid },
    { weight: 6, arbitrary: mutated(valid) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
  )
}

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}
