/**
 * collision.test.ts - addresses chosen to share slots cost a table no more than ordinary ones.
 *
 * In:    20,000 addresses that an attacker computed against hashes without a secret, and patterns with differences that
 *        cancel out in many hashes under any secret.
 * Out:   probes of 20,000 look-ups in every open-addressing table with keys that packets can choose: at most twice as many
 *        as for random addresses.
 * V8's block coverage counts the probes: how often the loop that compares keys ran. So tables need no counter, and the
 * counts are the same on every machine. Coverage and seed come before the tables are loaded.
 */
import { Session } from 'node:inspector/promises'
import t from 'tap'
import { seedHash } from '../../src/lib/hash-secret.js'

const COUNT = 20_000
const LIMIT = 2
/** The attacker puts all keys into one part in SHARE of a table. */
const SHARE = 32
const SLOTS = 1 << 16
/** So many of them show that an attack works. */
const FEW = 4_000
const ATTACKER_SEED = 0
const SEED = 20_261_011
const { imul } = Math

type Hash = (...words: readonly number[]) => number
type Key = readonly number[]

/** One table: the key of an address, and the look-up with the counted loop. */
interface Table {
  readonly name: string
  /** End of its script's path, and the name of the function with the loop. */
  readonly file: string
  readonly loop: string
  /** The loop's body runs for every probe but the last. */
  readonly bodyOnlyOnMiss?: boolean
  /** The words that are hashed for the address `d`. */
  readonly keyOf: (d: number) => Key
  /** The hash that it had before hash.ts. */
  readonly oldHash: Hash
  readonly hash: 'hash1' | 'hash2' | 'hash4' | 'hash5' | 'hashWords'
  /** A table that holds the keys; the result looks one up. */
  readonly fill: (keys: readonly Key[]) => (key: Key) => number
}

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
/** The hash under the secret that an attacker guesses: that of seed 0. */
const attacker = await hashOf(ATTACKER_SEED)
seedHash(SEED)
const { Word4Table, WordTable } = await import('../../src/datapath/identity/address-table.js')
const { AddressCache } = await import('../../src/datapath/identity/address-cache.js')
const { Cache } = await import('../../src/exporter/reduce/cache.js')
const { PacketEndpoints } = await import('../../src/exporter/reduce/packet-endpoints.js')
const { LabelSets } = await import('../../src/exporter/series/labels.js')
const { PendingIncrements } = await import('../../src/hubble/metrics/pending.js')

/** The hash under another secret: another instance of the module. */
async function hashOf(seed: number): Promise<typeof import('../../src/lib/hash.js')> {
  seedHash(seed)
  return await import(`${import.meta.resolve('../../src/lib/hash.js')}?seed=${seed}`)
}

function murmur(h: number): number {
  const first = imul(h ^ (h >>> 16), 0x85ebca6b)
  const second = imul(first ^ (first >>> 13), 0xc2b2ae35)
  return second ^ (second >>> 16)
}

const FOLD = 0x9e3779b1
const IDENTITY = 2
const IPV6_PREFIX = [0x2001_0db8, 0, 0x0a00_0001] as const
const ENDPOINT_KINDS = 7

function viewOf(words: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(words.length * 4))
  words.forEach((word, i) => {
    view.setInt32(i * 4, word)
  })
  return view
}

const TABLES: readonly Table[] = [
  {
    name: 'IPv4 addresses of entities',
    file: '/identity/address-table.js',
    loop: '#at',
    bodyOnlyOnMiss: true,
    keyOf: d => [d],
    oldHash: a => murmur(a!),
    hash: 'hash1',
    fill: keys => {
      const table = new WordTable()
      for (const [a] of keys) table.set(a!, 1)
      return ([a]) => table.find(a!)
    },
  },
  {
    name: 'IPv6 addresses of entities',
    file: '/identity/address-table.js',
    loop: '#slot',
    keyOf: d => [...IPV6_PREFIX, d],
    oldHash: (a, b, c, d) => murmur((imul((imul((imul(a!, FOLD) + b!) | 0, FOLD) + c!) | 0, FOLD) + d!) | 0),
    hash: 'hash4',
    fill: keys => {
      const table = new Word4Table()
      for (const [a, b, c, d] of keys) table.set(a!, b!, c!, d!, 1)
      return ([a, b, c, d]) => table.find(a!, b!, c!, d!)
    },
  },
  {
    name: 'cache of IPv4 addresses',
    file: '/identity/address-cache.js',
    loop: '#place4',
    keyOf: d => [IDENTITY, d],
    oldHash: (identity, d) => {
      const h = imul(d!, 0x9e3779b1) ^ imul(identity!, 0x85ebca6b)
      return h ^ (h >>> 15)
    },
    hash: 'hash2',
    fill: keys => {
      const cache = new AddressCache({ version: 0 }, SLOTS)
      const look = ([identity, d]: Key) => cache.place(viewOf([d!]), 0, false, identity!)
      for (const key of keys) look(key)
      return look
    },
  },
  {
    name: 'cache of IPv6 addresses',
    file: '/identity/address-cache.js',
    loop: '#place6',
    keyOf: d => [IDENTITY, ...IPV6_PREFIX, d],
    oldHash: (identity, a, b, c, d) => {
      const last = imul(a!, 3) ^ imul(b!, 5) ^ imul(c!, 7) ^ d!
      const h = imul(last, 0x9e3779b1) ^ imul(identity!, 0x85ebca6b)
      return h ^ (h >>> 15)
    },
    hash: 'hash5',
    fill: keys => {
      const cache = new AddressCache({ version: 0 }, SLOTS)
      const look = ([identity, ...words]: Key) => cache.place(viewOf(words), 0, true, identity!)
      for (const key of keys) look(key)
      return look
    },
  },
  {
    name: 'cache of pairs and of IP contexts',
    file: '/reduce/cache.js',
    loop: 'entry',
    keyOf: d => [d, 0, 1, 0],
    oldHash: (a, b, c, d) => {
      const h = imul(a!, 0x9e3779b1) ^ imul(b!, 0x85ebca6b) ^ imul(c!, 0xc2b2ae35) ^ imul(d!, 0x27d4eb2f)
      return h ^ (h >>> 15)
    },
    hash: 'hash4',
    fill: keys => {
      const cache = new Cache(0)
      const look = ([a, b, c, d]: Key) => cache.entry(a!, b!, c!, d!)
      for (const key of keys) look(key)
      return look
    },
  },
  {
    name: "packets' endpoints",
    file: '/reduce/packet-endpoints.js',
    loop: 'number',
    keyOf: d => [0, 0, 0xffff, d, 0, 0, 0xffff, 0x0a00_0001, 81],
    oldHash: (...words) => {
      let h = 0
      for (const word of words) h = imul(h ^ word, 0x9e3779b1) ^ (h >>> 15)
      return h ^ (h >>> 15)
    },
    hash: 'hashWords',
    fill: keys => {
      const endpoints = new PacketEndpoints({
        sourceIp: true,
        destinationIp: true,
        destinationPort: true,
        service: false,
      })
      const look = (words: Key) => {
        const bytes = new Uint8Array(viewOf(words).buffer)
        const ipv6 = words[0] !== 0
        return endpoints.number(bytes, ipv6 ? 0 : 12, ipv6 ? 16 : 28, ipv6, words[8]! - 1)
      }
      for (const key of keys) look(key)
      return look
    },
  },
  {
    name: 'pending counts of Hubble metrics',
    file: '/metrics/pending.js',
    loop: 'count',
    keyOf: d => [d, ENDPOINT_KINDS << 17],
    oldHash: (a, b) => {
      let h = imul(a!, 0x9e3779b1) ^ imul(b!, 0x85ebca6b)
      h ^= h >>> 15
      return imul(h, 0x2c1b3c6d) >>> 8
    },
    hash: 'hash2',
    fill: keys => {
      const counts = new PendingIncrements(SLOTS, { add: () => undefined, addPort: () => undefined })
      for (const [a, b] of keys) counts.insert(a! | 0, b! | 0, [])
      return ([a, b]) => counts.count(a! | 0, b! | 0, 0, 1)
    },
  },
  {
    name: 'label sets of series',
    file: '/series/labels.js',
    loop: '#place',
    keyOf: d => [d >>> 11, 7, d & 0x7ff],
    oldHash: (...words) => {
      let h = 0x811c9dc5
      for (const word of words) h = imul(h ^ word, 0x01000193)
      return murmur(h)
    },
    hash: 'hashWords',
    fill: keys => {
      const sets = new LabelSets(keys[0]!.length)
      for (const key of keys) sets.add(Uint32Array.from(key))
      return key => sets.find(Uint32Array.from(key))
    },
  },
]

/** Distinct, in an order without a pattern: multiplication by an odd number permutes. */
const address = (i: number) => imul(i + 1, 0x2545f491)

/** `COUNT` keys with first slots, in a table of SLOTS, in a 32nd of it. */
function chosen(keyOf: Table['keyOf'], hash: Hash): Key[] {
  const keys: Key[] = []
  for (let i = 0; keys.length < COUNT; i++) {
    const key = keyOf(address(i))
    if ((hash(...key) & (SLOTS - 1)) < SLOTS / SHARE) keys.push(key)
  }
  return keys
}

function ordinary(keyOf: Table['keyOf']): Key[] {
  return Array.from({ length: COUNT }, (_, i) => keyOf(address(i)))
}

/** Probes that look-ups of all keys take in a table that holds them. */
async function probes({ file, loop, bodyOnlyOnMiss = false, fill }: Table, keys: readonly Key[]): Promise<number> {
  const look = fill(keys)
  await session.post('Profiler.takePreciseCoverage')
  for (const key of keys) look(key)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const functions = result.find(({ url }) => url.endsWith(file))?.functions ?? []
  const found = functions.find(({ functionName, isBlockCoverage }) => functionName === loop && isBlockCoverage)
  const [whole, ...blocks] = found?.ranges.map(({ count }) => count) ?? []
  return Math.max(...blocks) + (bodyOnlyOnMiss ? whole! : 0)
}

/** The same in a table of SLOTS with linear probing, simulated. */
function simulated(keys: readonly Key[], hash: Hash): number {
  const used = new Uint8Array(SLOTS)
  let count = 0
  for (const key of keys) {
    let slot = hash(...key) & (SLOTS - 1)
    for (count++; used[slot] === 1; count++) slot = (slot + 1) & (SLOTS - 1)
    used[slot] = 1
  }
  return count
}

function attackerHash({ hash }: Table): Hash {
  if (hash === 'hashWords') return (...words) => attacker.hashWords(Uint32Array.from(words), 0, words.length)
  return attacker[hash] as Hash
}

for (const table of TABLES) {
  t.test(`${table.name}: chosen addresses cost at most ${LIMIT} times what ordinary ones cost`, async t => {
    const usual = await probes(table, ordinary(table.keyOf))
    t.ok(usual >= COUNT && usual < 2 * COUNT, `ordinary addresses: ${usual} probes`)
    const attacks = { 'the hash before this one': table.oldHash, 'the secret of seed 0': attackerHash(table) }
    for (const [name, hash] of Object.entries(attacks)) {
      const keys = chosen(table.keyOf, hash)
      const would = simulated(keys.slice(0, FEW), hash)
      t.ok(would > 100 * FEW, `against ${name} the attack works: ${FEW} look-ups take ${would} probes`)
      const cost = await probes(table, keys)
      t.ok(cost <= LIMIT * usual, `against ${name}: ${cost} probes`)
    }
  })
}

const SECRETS = 20
const bits = (i: number, width: number, word: number) => (i >>> (width * word)) & ((1 << width) - 1)
/** By number of the key. Differences in high bits alone are lost in a product modulo 2^32, or cancel out between words. */
const PATTERNS: Readonly<Record<string, (i: number) => Key>> = {
  'the top four bits of four words': i => [0, 1, 2, 3].map(word => bits(i, 4, word) << 28),
  'the top bit of each half of eight words': i =>
    [0, 1, 2, 3, 4, 5, 6, 7].map(word => (bits(i, 2, word) << 31) | ((bits(i, 2, word) >> 1) << 15)),
  'the top bit of sixteen words': i => Array.from({ length: 16 }, (_, word) => bits(i, 1, word) << 31),
  'consecutive IPv4 addresses': i => [0x0a00_0000 + i],
  'every 256th address': i => [i << 8],
  'every 4,096th address': i => [(i << 12) | (i >>> 20)],
  'consecutive IPv6 addresses': i => [...IPV6_PREFIX, i],
  'consecutive IPv6 networks': i => [IPV6_PREFIX[0], i, 0, 1],
  'all pairs of 142 addresses': i => [i % 142, Math.floor(i / 142)],
  'all pairs of 142 networks': i => [(i % 142) << 24, Math.floor(i / 142) << 24, i >>> 15],
}

t.test('keys that differ by a pattern share slots under no secret', async t => {
  const usual = simulated(
    ordinary(address => [address]),
    word => murmur(word!),
  )
  for (const [name, keyOf] of Object.entries(PATTERNS)) {
    const keys = Array.from({ length: COUNT }, (_, i) => keyOf(i))
    const costs: number[] = []
    for (let seed = 1; seed <= SECRETS; seed++) {
      const { hashWords } = await hashOf(seed)
      costs.push(simulated(keys, (...words) => hashWords(Uint32Array.from(words), 0, words.length)))
    }
    t.ok(
      Math.max(...costs) <= LIMIT * usual,
      `${name}: at most ${Math.max(...costs)} probes, ${usual} without a pattern`,
    )
  }
})

t.test('a multiplication of whole words by secret odd numbers would not do: top bits cancel out', async t => {
  const { hash1 } = await hashOf(1)
  const odd = [1, 2, 3, 4].map(i => hash1(i) | 1)
  const weak: Hash = (...words) => {
    const h = words.reduce((sum, word, i) => sum ^ imul(word, odd[i]!), 0)
    return h ^ (h >>> 15)
  }
  const keys = Array.from({ length: FEW }, (_, i) => PATTERNS['the top four bits of four words']!(i))
  t.ok(simulated(keys, weak) > 100 * FEW)
})
