// SPDX-License-Identifier: Apache-2.0
/**
 * source.ts - settings of the record source: the kernel, or a recording.
 */
import type { PodEndMode } from '../../datapath/source/pod-ends.js'
import type { UnmanagedMode } from '../../datapath/source/unmanaged-filter.js'
import { compileGlob } from '../../lib/glob.js'
import { duration } from '../duration.js'
import { choice, integer, listOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

export type SourceChoice = { readonly kind: 'live' } | { readonly kind: 'replay'; readonly file: string }

/** not-ready includes warn. */
export type OnBypass = 'not-ready' | 'warn'

const REPLAY = 'replay:'
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** 16 MiB per CPU with 4 KiB pages. */
const MAX_PAGES = 4096
const MAX_CONNECTIONS = 16_777_216
/** A source may have an eighth of the table. */
const MIN_DROP_KINDS = 64
/** 12 MB, preallocated. */
const MAX_DROP_KINDS = 65_536

const source = parsed<SourceChoice>(
  'source',
  'live, or replay:FILE',
  word => {
    if (word === 'live') return { kind: 'live' }
    if (word.startsWith(REPLAY) && word.length > REPLAY.length)
      return { kind: 'replay', file: word.slice(REPLAY.length) }
    throw new Error('allowed: live, or replay:FILE')
  },
  choice => (choice.kind === 'live' ? 'live' : `${REPLAY}${choice.file}`),
)

const glob = parsed('glob', 'a name or *, ?, [abc], [a-z], [!a]', word => {
  try {
    compileGlob(word)
  } catch (error) {
    // The caller names the setting and the pattern.
    throw new Error((error as Error).message.replace(/^.*?": /, ''))
  }
  return word
})

/** CAPTURE_BYTES in bpf/report.h. */
const MAX_CAPTURE = 128

/** The perf ring requires a power of two. */
const ringPages = integer(1, MAX_PAGES, `a power of two from 1 to ${MAX_PAGES}`, pages => (pages & (pages - 1)) === 0)

/** The live source, for every command that attaches to interfaces. */
export const live = {
  interfaces: setting(listOf(glob), {
    help: 'pod interfaces to attach to',
    default: [],
    defaultText: 'veths and netkits with a peer in another network namespace',
  }),
  uplinks: setting(listOf(glob), { help: 'uplink interfaces to attach to', default: [], defaultText: 'none' }),
  netns: optional(path, {
    help: 'network namespace with the interfaces to watch, e.g. /proc/1/ns/net (requires CAP_SYS_ADMIN)',
    defaultText: "Weir's own",
  }),
  attach: setting(choice('type', ['auto', 'tcx', 'tc']), {
    help: 'attachment type: auto, tcx or tc',
    default: 'auto',
  }),
  'pod-end': setting(choice<PodEndMode>('mode', ['auto', 'always', 'never']), {
    help: "attach also in the pods' network namespaces, for packets that skip the host's side and for pods on macvlan, ipvlan or hardware: auto (with CAP_SYS_ADMIN), always or never",
    default: 'auto',
  }),
  unmanaged: setting(choice<UnmanagedMode>('mode', ['count', 'ignore']), {
    help: 'packets of containers that are no pods, at their own interfaces: count (named unmanaged) or ignore',
    default: 'count',
  }),
  'report-interval': setting(duration(100, HOUR_MS), {
    help: 'longest time a count stays in the kernel before it is reported',
    default: 5000,
  }),
  ring: setting(choice('kind', ['auto', 'perf', 'ringbuf']), {
    help: 'kind of ring for records: auto, perf or ringbuf (auto: perf where the kernel allows it)',
    default: 'auto',
  }),
  'drain-interval': setting(duration(10, MINUTE_MS), {
    help: 'longest time a record stays in the ring',
    default: 100,
  }),
  'ring-pages': setting(ringPages, { help: 'size of the ring in pages per CPU, a power of two', default: 64 }),
  connections: setting(integer(1, MAX_CONNECTIONS), {
    help: 'maximum number of connections in the kernel table, about 360 B per used entry',
    default: 262_144,
  }),
  'capture-bytes': optional(integer(0, MAX_CAPTURE), {
    help: 'bytes of each packet in raw records (weir monitor, recordings), at most 128; payload included',
    defaultText: 'its headers only',
  }),
  'drop-kinds': setting(integer(MIN_DROP_KINDS, MAX_DROP_KINDS), {
    help: 'maximum number of kinds of drop (reason, protocol, source, destination) in the kernel table, about 190 B each',
    default: 8192,
  }),
}

/** The choice of the source. */
export const records = {
  source: setting(source, { help: 'record source: live or replay:FILE', default: { kind: 'live' } }),
  'on-bypass': setting(choice<OnBypass>('action', ['not-ready', 'warn']), {
    help: 'when packets bypass the interface of a pod: not-ready, or warn (in the log and metrics only)',
    default: 'not-ready',
  }),
}
