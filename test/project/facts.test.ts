/**
 * facts.test.ts - figures that documents and code both state are equal: slices, limits, intervals.
 *
 * In:    FACTS: the phrase of a document with a number, and the constant of a source file that it repeats.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Fact {
  readonly document: string
  /** Its first group is the number; spaces match line breaks, too. */
  readonly phrase: RegExp
  readonly source: string
  readonly constant: string
  /** What one unit of the document is in the constant's. */
  readonly unit?: number
}

const SECOND_MS = 1000
const NAME_UPDATES = 'src/agent/names/name-updates.ts'
const METRICS_PAGE = 'src/exporter/http/metrics-page.ts'
const REFLECTOR = 'src/kubernetes/watch/reflector.ts'
const BACKOFF = 'src/kubernetes/watch/backoff.ts'
const OUTBOX = 'src/kubernetes/cluster/outbox.ts'
const LISTENER = 'src/web/listener.ts'
const BCRYPT = 'src/web/bcrypt.ts'

const FACTS: readonly Fact[] = [
  fact('ARCHITECTURE.md', /names are applied in slices of (\d+) ms/, NAME_UPDATES, 'SLICE_MS'),
  fact('ARCHITECTURE.md', /pages are written in slices of (\d+) ms/, METRICS_PAGE, 'SLICE_MS'),
  fact('docs/decisions/names.md', /slices of (\d+) entries/, 'src/agent/names/change-slices.ts', 'SLICE'),
  fact('docs/decisions/names.md', /for at most (\d+) ms at a time/, NAME_UPDATES, 'SLICE_MS'),
  fact('docs/decisions/exporter.md', /copy in slices of (\d+) ms/, METRICS_PAGE, 'SLICE_MS'),
  fact('docs/decisions/kubernetes.md', /read every (\d+) ms/, REFLECTOR, 'READ_PAUSE_MS'),
  fact('docs/decisions/kubernetes.md', /batches of (\d+) at a time/, OUTBOX, 'MAX_KEYS'),
  fact('docs/decisions/web.md', /Beyond (\d+) connections/, LISTENER, 'MAX_CONNECTIONS'),
  fact('docs/decisions/web.md', /at most (\d+) waiting/, BCRYPT, 'MAX_WAITING'),
  fact('docs/kubernetes.md', /in pages of (\d+)/, REFLECTOR, 'PAGE'),
  fact('docs/kubernetes.md', /busy watch every (\d+) ms/, REFLECTOR, 'READ_PAUSE_MS'),
  fact('docs/kubernetes.md', /each resource after (\d+) s/, BACKOFF, 'FIRST_MS', SECOND_MS),
  fact('docs/kubernetes.md', /delay up to (\d+) s/, BACKOFF, 'LAST_MS', SECOND_MS),
  fact('docs/inventory.md', /checks the file every (\d+) s/, 'src/lib/followed-file.ts', 'INTERVAL_MS', SECOND_MS),
  fact('docs/otlp.md', /keeps up to ([\d,]+) last values/, 'src/otlp/exported-families.ts', 'MAX_REMOVED'),
  fact('docs/otlp.md', /in slices of ([\d,]+) series/, 'src/otlp/otlp.ts', 'SLICE_SERIES'),
  fact('docs/otlp.md', /at scale (\d+)/, 'src/otlp/exponential.ts', 'MAX_SCALE'),
  fact('docs/otlp.md', /if (\d+) buckets/, 'src/otlp/exponential.ts', 'MAX_BUCKETS'),
  fact('docs/web.md', /\| connections \| (\d+) \|/, LISTENER, 'MAX_CONNECTIONS'),
  fact('docs/web.md', /TLS handshake \| (\d+) s \|/, LISTENER, 'REQUEST_MS', SECOND_MS),
  fact('docs/web.md', /size of the headers \| (\d+) KiB/, LISTENER, 'MAX_HEADER_BYTES', 1024),
  fact('docs/web.md', /during a request or a response \| (\d+) s/, LISTENER, 'IDLE_MS', SECOND_MS),
  fact('docs/web.md', /time for a response \| (\d+) s/, LISTENER, 'RESPONSE_MS', SECOND_MS),
  fact('docs/web.md', /When (\d+) requests are waiting/, BCRYPT, 'MAX_WAITING'),
  fact('docs/hubble-metrics.md', /up to ([\d,]+) combinations/, 'src/hubble/metrics/metrics.ts', 'MAX_KEYS'),
  fact('docs/hubble.md', /removed after (\d+) s/, 'src/hubble/metrics/pod-series.ts', 'DELETION_DELAY_MS', SECOND_MS),
]

function fact(document: string, phrase: RegExp, source: string, constant: string, unit = 1): Fact {
  return { document, phrase, source, constant, unit }
}

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')

function constantOf({ source, constant }: Fact): number {
  const [, number] = new RegExp(`^(?:export )?const ${constant} = ([\\d_]+)$`, 'm').exec(read(source)) ?? []
  if (number === undefined) throw new Error(`${source} has no constant ${constant}`)
  return Number(number.replaceAll('_', ''))
}

t.test('a figure in a document equals the constant in the code', async t => {
  for (const each of FACTS) {
    const { document, phrase, constant, unit = 1 } = each
    const [, number] = phrase.exec(read(document).replaceAll(/\s+/g, ' ')) ?? []
    t.equal(Number(number?.replaceAll(',', '')) * unit, constantOf(each), `${document}: ${phrase} is ${constant}`)
  }
})
