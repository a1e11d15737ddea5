/**
 * address-cache.test.ts - what was found for an address and its identity is found again as in a Map, until names change.
 *
 * In:    any sequence of look-ups; who stands where changes in between.
 * Out:   nothing remembered is another address's, another identity's, or from before a change.
 */
import fc from 'fast-check'
import t from 'tap'
import { AddressCache, Cell, UNSET } from '../../../src/datapath/identity/address-cache.js'
import { parseAddress } from '../../../src/lib/address.js'

const SEED = 20_260_104
const OPTIONS = { seed: SEED, numRuns: 40 }
/** The address is not at the view's beginning. */
const AT = 5
const WIDE_BYTES = 16
const IPV4_BYTES = 4
/** Above all sizes at which it forgets. */
const ROOMY = 1 << 16
/** Places of the smallest one. */
const LEAST = 256

interface Asked {
  readonly address: string
  readonly identity: number
  /** An IPv4 address in 16 bytes. */
  readonly mapped: boolean
}

function viewOf(address: string, wide: boolean): DataView {
  const bytes = parseAddress(address)
  const view = new DataView(new ArrayBuffer(AT + WIDE_BYTES))
  new Uint8Array(view.buffer).set(wide ? bytes : bytes.subarray(WIDE_BYTES - IPV4_BYTES), AT)
  return view
}

function placeOf(cache: AddressCache, { address, identity, mapped }: Asked): number {
  const wide = mapped || address.includes(':')
  return cache.place(viewOf(address, wide), AT, wide, identity)
}

/** What the memo has, once it has it: numbers are the owner's to find out. */
function askAs(cache: AddressCache, asked: Asked, numbers: readonly [number, number]): [number, number] {
  const place = placeOf(cache, asked)
  const { cells } = cache
  const before: [number, number] = [cells[place + Cell.number]!, cells[place + Cell.second]!]
  if (before[0] === UNSET) cells.set(numbers, place + Cell.number)
  return before
}

const word = fc.oneof(fc.nat(3), fc.constantFrom(0xffff, 0xffff_ffff, 0x8000_0000), fc.nat(0xffff_ffff))
const dotted = (n: number) => [24, 16, 8, 0].map(shift => (n >>> shift) & 0xff).join('.')
const groups = (n: number) => `${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}`
const ipv4 = word.map(dotted)
/** Those that are IPv4 in 16 bytes have no other spelling here. */
const ipv6 = fc
  .tuple(word, word, word, word)
  .filter(([a, b, c]) => a !== 0 || b !== 0 || c !== 0xffff)
  .map(words => words.map(groups).join(':'))
const asked: fc.Arbitrary<Asked> = fc.record({
  address: fc.oneof(ipv4, ipv6),
  identity: fc.oneof(fc.nat(3), fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff)),
  mapped: fc.boolean(),
})

t.test('any look-ups: an address and an identity have their own numbers, whatever the width', async t => {
  const tries = fc.property(fc.array(asked, { maxLength: 1500, size: 'max' }), all => {
    const cache = new AddressCache({ version: 0 }, ROOMY)
    const model = new Map<string, [number, number]>()
    for (const [i, one] of [...all, ...all].entries()) {
      const name = `${one.address} ${one.identity}`
      const [number, second] = askAs(cache, one, [i, 2 * i])
      const known = model.get(name) ?? [UNSET, UNSET]
      if (number !== known[0] || second !== known[1]) return false
      if (!model.has(name)) model.set(name, [i, 2 * i])
    }
    return cache.size === model.size
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

t.test('addresses that share all words but one, or the family, are others', async t => {
  const cache = new AddressCache({ version: 0 })
  const alike = ['0.0.0.7', '::7', '::1:0:0:7', '0:0:1::7', '1::7', '::ffff:0:0:7', '0:1::ffff:0:7', '::8']
  const places = new Set(alike.map(address => placeOf(cache, { address, identity: 1, mapped: false })))
  t.equal(places.size, alike.length)
  t.equal(cache.size, alike.length)
})

t.test('while it grows, it keeps both numbers of all', async t => {
  const cache = new AddressCache({ version: 0 }, ROOMY)
  const one = (i: number): Asked => ({
    address: i % 3 === 0 ? `fd00::${i.toString(16)}` : `10.0.${i >> 8}.${i & 0xff}`,
    identity: i % 5,
    mapped: i % 2 === 0,
  })
  const many = 10_000
  for (let i = 0; i < many; i++) askAs(cache, one(i), [i, many - i])
  const wrong = Array.from({ length: many }, (_, i) => i).filter(i => {
    const [number, second] = askAs(cache, one(i), [0, 0])
    return number !== i || second !== many - i
  })
  t.strictSame(wrong, [])
  t.equal(cache.size, many)
})

t.test('at its limit it forgets all, and tells nothing that is not so', async t => {
  for (const limit of [LEAST, LEAST * 4]) {
    const cache = new AddressCache({ version: 0 }, limit)
    let forgot = 0
    let wrong = 0
    for (let i = 0; i < limit * 10; i++) {
      // An old one among new ones.
      const n = i % 3 === 0 ? i % 40 : 1000 + i
      const before = cache.size
      const [number, second] = askAs(cache, { address: dotted(n), identity: 0, mapped: false }, [n, n + 1])
      if (number !== UNSET && (number !== n || second !== n + 1)) wrong++
      if (cache.size < before) forgot++
      if (cache.size > limit / 2 || cache.cells.length > limit * 8) wrong++
    }
    t.equal(wrong, 0, `${limit} places`)
    t.ok(forgot > 5, `forgot ${forgot} times`)
  }
})

t.test('a limit below the least size is that size', async t => {
  const cache = new AddressCache({ version: 0 }, 1)
  for (let i = 0; i < 2000; i++) askAs(cache, { address: dotted(i), identity: 0, mapped: false }, [i, i])
  t.ok(cache.size <= LEAST / 2, `${cache.size} addresses`)
  t.equal(cache.cells.length, LEAST * 8)
})

t.test('after a change, and only then, all is new', async t => {
  const names = { version: 3 }
  const cache = new AddressCache(names)
  const all = ['10.0.0.1', 'fd00::1', '192.0.2.1'].map(address => ({ address, identity: 7, mapped: false }))
  for (const [i, one] of all.entries()) t.strictSame(askAs(cache, one, [i, 10]), [UNSET, UNSET])
  for (const [i, one] of all.entries()) t.strictSame(askAs(cache, one, [9, 9]), [i, 10])
  names.version++
  for (const [i, one] of all.entries()) t.strictSame(askAs(cache, one, [20 + i, 30]), [UNSET, UNSET], one.address)
  for (const [i, one] of all.entries()) t.strictSame(askAs(cache, one, [9, 9]), [20 + i, 30])
  cache.clear()
  t.equal(cache.size, 0)
  for (const one of all) t.strictSame(askAs(cache, one, [1, 1]), [UNSET, UNSET], one.address)
})

t.test('any look-ups and changes, at any limit: nothing is told that was not said since the last change', async t => {
  const step = fc.oneof({ weight: 30, arbitrary: asked }, { weight: 1, arbitrary: fc.constant('change' as const) })
  const steps = fc.array(step, { maxLength: 1500, size: 'max' })
  const tries = fc.property(steps, fc.constantFrom(LEAST, LEAST * 2), (all, limit) => {
    const names = { version: 0 }
    const cache = new AddressCache(names, limit)
    const model = new Map<string, number>()
    for (const [i, one] of [...all, ...all].entries()) {
      if (one === 'change') {
        names.version++
        model.clear()
        continue
      }
      const name = `${one.address} ${one.identity}`
      const [number] = askAs(cache, one, [i, i])
      if (number !== UNSET && number !== model.get(name)) return false
      if (number === UNSET) model.set(name, i)
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})
