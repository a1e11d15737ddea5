/**
 * abi.test.ts - src/datapath/record/abi.ts agrees with bpf/weir.h and the BTF of the built object: offsets, sizes, numbers.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import * as abi from '../../../src/datapath/record/abi.js'
import { MAX_FRAME } from '../../../src/datapath/source/native.js'
import { sizeClass } from '../../../src/exporter/reduce/pair.js'

interface BtfType {
  readonly kind: string
  readonly name: string
  readonly size: number
  readonly members: readonly { name: string; bits_offset: number }[]
}

interface Layout {
  readonly size: number
  /** Byte offsets by name, without padding. */
  readonly offsets: Readonly<Record<string, number>>
}

const HEADER = readFileSync('bpf/weir.h', 'utf8')
const btf = JSON.parse(
  execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', 'dist/weir.bpf.o'], { encoding: 'utf8', maxBuffer: 1 << 26 }),
) as { types: BtfType[] }

function layoutOf(struct: string): Layout {
  const found = btf.types.find(type => type.kind === 'STRUCT' && type.name === struct)
  if (found === undefined) throw new Error(`struct ${struct} is not in the object's BTF`)
  const members = found.members.filter(member => !/^pad/.test(member.name))
  return { size: found.size, offsets: Object.fromEntries(members.map(m => [m.name, m.bits_offset / 8])) }
}

/** A table of abi.ts with C's names: `lenOrig` is len_orig, and `size_` is a field named size. */
function layoutIn({ size, ...fields }: Readonly<Record<string, number>> & { size: number }): Layout {
  const snake = (name: string) => name.replace(/_$/, '').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
  return { size, offsets: Object.fromEntries(Object.entries(fields).map(([name, at]) => [snake(name), at])) }
}

/** The value of `#define NAME`. */
function defined(name: string): string {
  const found = new RegExp(`^#define ${name} +(.+?)(?: */\\*.*)?$`, 'm').exec(HEADER)
  if (found === null) throw new Error(`bpf/weir.h does not define ${name}`)
  return found[1]!
}

const upper = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()

t.test('abi.ts has the offsets and the size of each struct of the wire format', async t => {
  const { HDR, TRACE, DROP, WEIR_TRACE, WEIR_DROP, PREFIX_KEY, IP_INFO, OVERFLOW_KEY, COUNT, PASS } = abi
  const { FLOW_KEY, TRANSLATION } = abi
  for (const [struct, table] of [
    ['trace_notify', { ...HDR, ...TRACE }],
    ['drop_notify', { ...HDR, ...DROP }],
    ['weir_trace', WEIR_TRACE],
    ['weir_drop', WEIR_DROP],
    ['prefix_key', PREFIX_KEY],
    ['ip_info', IP_INFO],
    ['overflow_key', OVERFLOW_KEY],
    ['pass', PASS],
    ['flow_key', FLOW_KEY],
    ['translation', TRANSLATION],
    ['count', COUNT],
  ] as const) {
    t.strictSame(layoutIn(table), layoutOf(struct), struct)
  }
})

t.test('the extension follows the header without a gap', async t => {
  for (const [struct, header, extension] of [
    ['trace_record', abi.TRACE.size, abi.WEIR_TRACE.size],
    ['drop_record', abi.DROP.size, abi.WEIR_DROP.size],
  ] as const) {
    t.strictSame(layoutOf(struct), { size: header + extension, offsets: { hdr: 0, ext: header } }, struct)
  }
})

t.test('the comparison fails for a missing struct or constant', async t => {
  t.throws(() => layoutOf('trace_notifier'), /not in the object's BTF/)
  t.throws(() => defined('WEIR_EXTRA'), /does not define/)
})

t.test('abi.ts has the numbers of weir.h', async t => {
  t.equal(abi.WEIR_EXT, Number(defined('WEIR_EXT')))
  for (const [prefix, table] of [
    ['NOTIFY_', { drop: abi.Notify.drop, trace: abi.Notify.trace }],
    ['DIR_', abi.Direction],
    ['HOOK_', abi.Hook],
    ['STATE_', abi.State],
    ['FLAG_', abi.TcpFlagLane],
    ['EVENT_', abi.EventLane],
    ['INFO_', abi.InfoFlag],
    ['TRANSLATION_', abi.TranslationState],
  ] as const) {
    const all = [...HEADER.matchAll(new RegExp(`^#define ${prefix}([A-Z_]+) (\\d+)`, 'gm'))]
    const inHeader = Object.fromEntries(all.map(([, name, value]) => [name, Number(value)]))
    t.strictSame(Object.fromEntries(Object.entries(table).map(([name, n]) => [upper(name), n])), inHeader, prefix)
  }
})

t.test('abi.ts has the size classes of weir.h, and each bound is the last size of its class', async t => {
  const bounds = abi.SIZE_CLASSES
  t.equal(bounds.length + 1, Number(defined('SIZE_CLASSES')))
  t.strictSame(
    bounds,
    bounds.map((_, i) => Number(defined(`SIZE_${i}`))),
  )
  for (const [i, bound] of bounds.entries()) t.strictSame([sizeClass(bound), sizeClass(bound + 1)], [i, i + 1])
  t.strictSame([sizeClass(0), sizeClass(2 ** 32 - 1)], [0, 7])
})

t.test('the lowest bits of `service` are an entity id, the highest is TRANSLATED', async t => {
  t.equal(defined('TRANSLATED'), '(1U << 31)')
  t.equal(abi.TRANSLATED, 2 ** 31)
  t.equal(abi.SERVICE_ENTITY, abi.TRANSLATED - 1)
})

t.test('a packed counter is packets << 40 | bytes', async t => {
  t.match(defined('PACKED_PACKET'), '1ULL << 40')
})

t.test('the names of the counters are in the order of enum counter', async t => {
  const body = /^enum counter \{(.*?)^\}/ms.exec(HEADER)![1]!.replace(/\/\*.*?\*\//gs, '')
  const names = body.split(',').map(name => name.trim().toLowerCase())
  t.equal(names.indexOf('counters'), abi.COUNTERS.length, 'COUNTERS is the number of counters')
  t.strictSame(abi.COUNTERS, names.slice(0, abi.COUNTERS.length))
})

t.test('C++ and TypeScript agree on the largest frame', async t => {
  const found = /kMaxFrame\s*=\s*(\d+)/.exec(readFileSync('native/ring.h', 'utf8'))
  t.equal(Number(found?.[1]), MAX_FRAME)
})
