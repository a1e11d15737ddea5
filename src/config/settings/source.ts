/**
 * source.ts - settings of where records come from: the kernel, or a recording.
 */
import { compileGlob } from '../../lib/glob.js'
import { duration } from '../duration.js'
import { choice, integer, listOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

export type SourceChoice = { readonly kind: 'live' } | { readonly kind: 'replay'; readonly file: string }

const REPLAY = 'replay:'
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** 16 MiB a CPU with pages of 4 KiB. */
const MOST_PAGES = 4096
const MOST_CONNECTIONS = 16_777_216

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
    // The setting and the pattern are named already.
    throw new Error((error as Error).message.replace(/^.*?": /, ''))
  }
  return word
})

/** perf wants a power of two. */
const ringPages = integer(1, MOST_PAGES, `a power of two from 1 to ${MOST_PAGES}`, pages => (pages & (pages - 1)) === 0)

/** What the live source is told, for every command that has one. */
export const live = {
  interfaces: setting(listOf(glob), {
    help: "pods' interfaces",
    default: [],
    defaultText: 'veths with an end elsewhere',
  }),
  uplinks: setting(listOf(glob), { help: 'uplinks to watch as well', default: [], defaultText: 'none' }),
  netns: optional(path, {
    help: 'watch the interfaces of this network namespace, e.g. /proc/1/ns/net (needs CAP_SYS_ADMIN)',
    defaultText: "Weir's own",
  }),
  attach: setting(choice('mode', ['auto', 'tcx', 'tc']), { help: 'how to stand on an interface', default: 'auto' }),
  'report-interval': setting(duration(100, HOUR_MS), {
    help: 'the longest that a count waits in the kernel',
    default: 5000,
  }),
  'drain-interval': setting(duration(10, MINUTE_MS), {
    help: 'the longest that a record waits in the ring',
    default: 100,
  }),
  'ring-pages': setting(ringPages, { help: "pages of each CPU's ring, a power of two", default: 64 }),
  connections: setting(integer(1, MOST_CONNECTIONS), {
    help: 'entries of the connection table, about 360 B each when used',
    default: 262_144,
  }),
}

/** Where records come from. */
export const records = {
  source: setting(source, { help: 'live or replay:FILE', default: { kind: 'live' } }),
}
