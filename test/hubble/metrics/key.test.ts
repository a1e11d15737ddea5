/**
 * key.test.ts - a key distinguishes records by the fields that metrics need and by no others, up to the key's limit.
 *
 * In:    Weir's own records, of several kinds, in any order; key fields that differ by kind.
 * Out:   equal keys if and only if the needed fields are equal, until clear(); unneeded fields take no room.
 */
import fc from 'fast-check'
import t from 'tap'
import { HDR, TRACE } from '../../../src/datapath/record/abi.js'
import { Key, type KeyFieldsByKind } from '../../../src/hubble/metrics/key.js'
import { KeyField } from '../../../src/hubble/metrics/key-fields.js'
import { decodeAll, PARTS } from '../../support/hubble-metrics.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const SEED = 20_260_106
const OPTIONS = { seed: SEED, numRuns: 60 }
const MIN_ENTRIES = 11
const ICMP = 1

interface Made {
  readonly kind: 'trace' | 'drop'
  readonly src: string
  readonly dst: string
  readonly srcLabel: number
  readonly dstLabel: number
  readonly proto: number
  /** Type and code of ICMP; of a drop, the kernel's reason. */
  readonly detail: number
}

function recordOf({ kind, src, dst, srcLabel, dstLabel, proto, detail }: Made): Uint8Array {
  const labels = { srcLabel, dstLabel, proto }
  if (kind === 'drop') return dropRecord({ ...labels, src, dst, reason: detail, packets: 1, bytes: 60 })
  return traceRecord({ ...labels, a: src, b: dst, aPort: detail, bPort: detail })
}

/** The key of each record, undefined for a record without one; `then` may clear the keys. */
function keysOf(key: Key, records: readonly Uint8Array[], then: (i: number) => void = () => {}) {
  const keys: (string | undefined)[] = []
  const take = (known: boolean) => {
    keys.push(known ? `${key.first} ${key.second}` : undefined)
    then(keys.length - 1)
  }
  decodeAll(records, {
    trace: record => take(key.trace(record)),
    drop: record => take(key.drop(record)),
    verdict: record => take(key.verdict(record)),
  })
  return keys
}

/** The fields of a record that the key must hold. */
function neededOf(made: Made, fields: KeyFieldsByKind): string {
  const { kind, src, dst, srcLabel, dstLabel, proto, detail } = made
  const has = (bit: number) => (fields[kind] & bit) !== 0
  const shown = kind === 'drop' || (proto === ICMP && has(KeyField.icmp)) ? detail : 0
  const version = src.includes(':') ? 6 : 4
  return JSON.stringify([
    kind,
    proto,
    shown,
    version,
    has(KeyField.source) && [src, srcLabel],
    has(KeyField.destination) && [dst, dstLabel],
  ])
}

const addresses = ['10.200.0.10', '10.201.1.11', '93.184.216.34', '203.0.113.9', 'fd00:a0::10', '2001:db8::1', '::1']
const label = fc.constantFrom(0, 2, 1000, 0x8000_0000, 0xffff_ffff)
const made: fc.Arbitrary<Made> = fc.record({
  kind: fc.constantFrom('trace' as const, 'drop' as const),
  src: fc.constantFrom(...addresses),
  dst: fc.constantFrom(...addresses),
  srcLabel: label,
  dstLabel: label,
  proto: fc.constantFrom(6, 17, ICMP),
  detail: fc.constantFrom(0, 1, 2, 0x0800, 0x0301, 0xffff),
})
const fieldSets = fc.constantFrom(0, KeyField.source, KeyField.destination, KeyField.source | KeyField.destination)
const keyFieldsByKind = fc.record({ trace: fieldSets, drop: fieldSets, verdict: fieldSets })

t.test('for any records and key fields, keys are equal if and only if the needed fields are', async t => {
  const tries = fc.property(
    fc.array(made, { maxLength: 300, size: 'max' }),
    keyFieldsByKind,
    fc.constantFrom(MIN_ENTRIES, 40, undefined),
    (all, fields, most) => {
      const trace = fields.trace | KeyField.address | KeyField.icmp
      const key = new Key(PARTS.entities, { ...fields, trace }, most)
      const keyBy = new Map<string, string>()
      const neededBy = new Map<string, string>()
      let good = true
      const keys: (string | undefined)[] = []
      const records = all.map(recordOf)
      keysOf(key, records, i => {
        const needed = neededOf(all[i]!, { ...fields, trace })
        const now = `${key.first} ${key.second}`
        keys.push(now)
        if ((keyBy.get(needed) ?? now) !== now || (neededBy.get(now) ?? needed) !== needed) good = false
        keyBy.set(needed, now)
        neededBy.set(now, needed)
        if (!key.full) return
        key.clear()
        keyBy.clear()
        neededBy.clear()
      })
      return good && keys.length === all.length
    },
  )
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

/** `count` sources with one packet each, to three destinations. */
function manySources(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const record = traceRecord({ a: `20.0.${i >> 8}.${i & 0xff}`, b: `10.9.0.${i % 3}`, proto: 6, srcLabel: 2 })
    record.writeUInt16LE(100, HDR.source)
    return record
  })
}

t.test('sources that only give the direction take no room', async t => {
  const trace = KeyField.destination | KeyField.address | KeyField.direction
  const key = new Key(PARTS.entities, { trace, drop: 0, verdict: 0 }, 60)
  const full: number[] = []
  const keys = keysOf(key, manySources(2000), i => {
    if (key.full) full.push(i)
  })
  t.strictSame(full, [])
  t.equal(new Set(keys).size, 3, 'one key a destination')
  t.strictSame(keys.slice(-3).toSorted(), keys.slice(0, 3).toSorted(), 'the same to the end')
})

t.test('the emitter is recognized as the source, whether the key holds the source or not', async t => {
  const source = '10.200.0.10'
  const emitter = PARTS.resolver.localEndpoint(source)?.id ?? 0
  t.ok(emitter > 0, 'a local endpoint')
  const between = (a: string, b: string) => {
    const record = traceRecord({ a, b, proto: 6 })
    record.writeUInt16LE(emitter, HDR.source)
    return record
  }
  // A record of Cilium without a packet has no source.
  const bare = between(source, '1.2.3.4').subarray(0, TRACE.size)
  bare[HDR.extVersion] = 0
  const records = [between(source, '1.2.3.4'), bare, between('1.2.3.4', source), between('fd00::9', source)]
  for (const fields of [
    KeyField.direction,
    KeyField.direction | KeyField.source,
    KeyField.direction | KeyField.address,
  ]) {
    const key = new Key(PARTS.entities, { trace: fields, drop: fields, verdict: 0 })
    const bits: number[] = []
    const direction = () => bits.push((key.second >>> 18) & 3)
    keysOf(key, [...records, ...records], direction)
    t.strictSame(bits, [2, 1, 1, 1, 2, 1, 1, 1], `fields ${fields}`)
  }
})
