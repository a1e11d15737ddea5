/**
 * address-cache.test.ts - the cache by address and identity returns what a Map would, until the names change.
 *
 * In:    any sequence of look-ups and changes of names.
 * Out:   no entry is that of another address or identity, or from before a change.
 */
import fc from 'fast-check'
import t from 'tap'
import { AddressCache, Cell, UNSET } from '../../../src/datapath/identity/address-cache.js'
import { parseAddress } from '../../../src/lib/address.js'

const SEED = 20_260_104
const OPTIONS = { seed: SEED, numRuns: 40 }
/** Offset of the address in its view. */
const AT = 5
const WIDE_BYTES = 16
const IPV4_BYTES = 4
/** More entries than a test stores, so the cache is never cleared. */
const UNREACHED_LIMIT = 1 << 16
/** Slots of the smallest cache. */
const MIN_SLOTS = 256

interface Lookup {
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

function slotOf(cache: AddressCache, { address, identity, mapped }: Lookup): number {
  const wide = mapped || address.includes(':')
  return cache.place(viewOf(address, wide), AT, wide, identity)
}

/** The values cached for a look-up; stores `values` if there are none, as the owner of a cache does. */
function lookUpOrStore(cache: AddressCache, lookup: Lookup, values: readonly [number, number]): [number, number] {
  const slot = slotOf(cache, lookup)
  const { cells } = cache
  const cached: [number, number] = [cells[slot + Cell.number]!, cells[slot + Cell.second]!]
  if (cached[0] === UNSET) cells.set(values, slot + Cell.number)
  return cached
}

const word = fc.oneof(fc.nat(3), fc.constantFrom(0xffff, 0xffff_ffff, 0x8000_0000), fc.nat(0xffff_ffff))
const dotted = (n: number) => [24, 16, 8, 0].map(shift => (n >>> shift) & 0xff).join('.')
const groups = (n: number) => `${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}`
const ipv4 = word.map(dotted)
/** Without IPv4-mapped addresses, which the model would know by a second text. */
const ipv6 = fc
  .tuple(word, word, word, word)
  .filter(([a, b, c]) => a !== 0 || b !== 0 || c !== 0xffff)
  .map(words => words.map(groups).join(':'))
const lookup: fc.Arbitrary<Lookup> = fc.record({
  address: fc.oneof(ipv4, ipv6),
  identity: fc.oneof(fc.nat(3), fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff)),
  mapped: fc.boolean(),
})

t.test('every address and identity has its own values, whether an IPv4 address comes in 4 bytes or in 16', async t => {
  const property = fc.property(fc.array(lookup, { maxLength: 1500, size: 'max' }), lookups => {
    const cache = new AddressCache({ version: 0 }, UNREACHED_LIMIT)
    const model = new Map<string, [number, number]>()
    for (const [i, one] of [...lookups, ...lookups].entries()) {
      const name = `${one.address} ${one.identity}`
      const [number, second] = lookUpOrStore(cache, one, [i, 2 * i])
      const known = model.get(name) ?? [UNSET, UNSET]
      if (number !== known[0] || second !== known[1]) return false
      if (!model.has(name)) model.set(name, [i, 2 * i])
    }
    return cache.size === model.size
  })
  t.doesNotThrow(() => fc.assert(property, OPTIONS), `seed ${SEED}`)
})

t.test('addresses that differ in a single word or in the family have separate entries', async t => {
  const cache = new AddressCache({ version: 0 })
  const similar = ['0.0.0.7', '::7', '::1:0:0:7', '0:0:1::7', '1::7', '::ffff:0:0:7', '0:1::ffff:0:7', '::8']
  const slots = new Set(similar.map(address => slotOf(cache, { address, identity: 1, mapped: false })))
  t.equal(slots.size, similar.length)
  t.equal(cache.size, similar.length)
})

t.test('a growing cache keeps both values of every entry', async t => {
  const cache = new AddressCache({ version: 0 }, UNREACHED_LIMIT)
  const one = (i: number): Lookup => ({
    address: i % 3 === 0 ? `fd00::${i.toString(16)}` : `10.0.${i >> 8}.${i & 0xff}`,
    identity: i % 5,
    mapped: i % 2 === 0,
  })
  const many = 10_000
  for (let i = 0; i < many; i++) lookUpOrStore(cache, one(i), [i, many - i])
  const wrong = Array.from({ length: many }, (_, i) => i).filter(i => {
    const [number, second] = lookUpOrStore(cache, one(i), [0, 0])
    return number !== i || second !== many - i
  })
  t.strictSame(wrong, [])
  t.equal(cache.size, many)
})

t.test('a full cache is cleared, and never returns a wrong value', async t => {
  for (const limit of [MIN_SLOTS, MIN_SLOTS * 4]) {
    const cache = new AddressCache({ version: 0 }, limit)
    let clears = 0
    let wrong = 0
    for (let i = 0; i < limit * 10; i++) {
      // Every third look-up repeats an old address.
      const n = i % 3 === 0 ? i % 40 : 1000 + i
      const before = cache.size
      const [number, second] = lookUpOrStore(cache, { address: dotted(n), identity: 0, mapped: false }, [n, n + 1])
      if (number !== UNSET && (number !== n || second !== n + 1)) wrong++
      if (cache.size < before) clears++
      if (cache.size > limit / 2 || cache.cells.length > limit * 8) wrong++
    }
    t.equal(wrong, 0, `${limit} slots`)
    t.ok(clears > 5, `cleared ${clears} times`)
  }
})

t.test('a limit below the minimum size means the minimum size', async t => {
  const cache = new AddressCache({ version: 0 }, 1)
  for (let i = 0; i < 2000; i++) lookUpOrStore(cache, { address: dotted(i), identity: 0, mapped: false }, [i, i])
  t.ok(cache.size <= MIN_SLOTS / 2, `${cache.size} addresses`)
  t.equal(cache.cells.length, MIN_SLOTS * 8)
})

t.test('a new version of the names empties the cache', async t => {
  const names = { version: 3 }
  const cache = new AddressCache(names)
  const lookups = ['10.0.0.1', 'fd00::1', '192.0.2.1'].map(address => ({ address, identity: 7, mapped: false }))
  for (const [i, one] of lookups.entries()) t.strictSame(lookUpOrStore(cache, one, [i, 10]), [UNSET, UNSET])
  for (const [i, one] of lookups.entries()) t.strictSame(lookUpOrStore(cache, one, [9, 9]), [i, 10])
  names.version++
  for (const [i, one] of lookups.entries())
    t.strictSame(lookUpOrStore(cache, one, [20 + i, 30]), [UNSET, UNSET], one.address)
  for (const [i, one] of lookups.entries()) t.strictSame(lookUpOrStore(cache, one, [9, 9]), [20 + i, 30])
  cache.clear()
  t.equal(cache.size, 0)
  for (const one of lookups) t.strictSame(lookUpOrStore(cache, one, [1, 1]), [UNSET, UNSET], one.address)
})

t.test('with any look-ups, changes and limit, every cached value was stored since the last change', async t => {
  const step = fc.oneof({ weight: 30, arbitrary: lookup }, { weight: 1, arbitrary: fc.constant('change' as const) })
  const steps = fc.array(step, { maxLength: 1500, size: 'max' })
  const property = fc.property(steps, fc.constantFrom(MIN_SLOTS, MIN_SLOTS * 2), (steps, limit) => {
    const names = { version: 0 }
    const cache = new AddressCache(names, limit)
    const model = new Map<string, number>()
    for (const [i, one] of [...steps, ...steps].entries()) {
      if (one === 'change') {
        names.version++
        model.clear()
        continue
      }
      const name = `${one.address} ${one.identity}`
      const [number] = lookUpOrStore(cache, one, [i, i])
      if (number !== UNSET && number !== model.get(name)) return false
      if (number === UNSET) model.set(name, i)
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property, OPTIONS), `seed ${SEED}`)
})
