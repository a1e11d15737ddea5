/**
 * push.test.ts - what reaches the receiver equals what /metrics shows.
 */
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { OVERFLOW_LABEL } from '../../src/exporter/catalog/metric.js'
import { render } from '../../src/exporter/exposition/text.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { attributeName, attributeValue, otlpName } from '../../src/otlp/names.js'
import { parse } from '../support/exposition.js'
import { named, push } from '../support/otlp-push.js'
import type { SunkPoint } from '../support/otlp-sink.js'

const PAIR = ['shop', 'web', 'shop', 'db', 'source', 'FORWARDED', 'TCP']

/** A store with a few series in every family of the catalog, one of them over its budget. */
function busy(): SeriesStore {
  const store = new SeriesStore({ budget: 3 })
  let n = 1
  for (const metric of Object.values(M)) {
    const family = store.family(metric)
    for (const pod of metric.labels.length === 0 ? [''] : ['a "b"\\', 'ü\n', '']) {
      const slot = family.series(metric.labels.map((label, i) => `${label}${i}${pod}`))
      if (metric.type === 'histogram') for (const bound of family.buckets) family.observe(slot, bound * 1.01, n++)
      else {
        n += 7
        store.set(slot, n)
      }
    }
  }
  for (let i = 0; i < 10; i++) store.add(store.family(M.dropPackets).series([...PAIR.slice(0, 5), `R${i}`, 'UDP']), 1)
  return store
}

/** The samples of the /metrics text, by OTLP name, attributes and part. */
function expected(store: SeriesStore): Map<string, number> {
  const metrics = new Map(Object.values(M).map(metric => [metric.name as string, metric]))
  return new Map(
    parse(render(store).toString()).map(({ name, labels, value }) => {
      const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''))!
      const { le, ...rest } = labels as Record<string, string>
      const own = Object.entries(rest).map(([label, text]) => {
        const attribute = attributeName(metric, label)
        return [attribute, attributeValue(attribute, text)] as const
      })
      const part = name === metric.name ? '' : name.slice(metric.name.length + 1)
      return [key(otlpName(metric).name, Object.fromEntries(own), `${part}${le ?? ''}`), value]
    }),
  )
}

function key(name: string, attributes: Readonly<Record<string, unknown>>, part: string): string {
  const pairs = Object.entries(attributes).map(([attribute, value]) => [attribute, String(value)])
  return JSON.stringify([name, pairs.sort(), part])
}

/** The samples of exported points, by the same keys. */
function samplesOf(points: readonly SunkPoint[]): Map<string, number> {
  const samples = new Map<string, number>()
  for (const { kind, name, attributes, value, counts, bounds, sum, count } of points) {
    const put = (part: string, n: number) => {
      const at = key(name, attributes, part)
      if (samples.has(at)) throw new Error(`${at} twice`)
      samples.set(at, n)
    }
    if (kind !== 'histogram') {
      put('', value)
      continue
    }
    let cumulated = 0
    for (const [i, n] of counts.entries()) {
      cumulated += n
      put(`bucket${bounds[i] ?? '+Inf'}`, cumulated)
    }
    put('sum', sum)
    put('count', count)
  }
  return samples
}

/** Without the push's own metrics, which change while it runs. */
const withoutOwn = (samples: Map<string, number>) =>
  [...samples].filter(([at]) => !at.includes('weir.otlp') && !at.includes('"otlp"')).sort()

for (const protocol of ['http/json', 'http/protobuf'] as const) {
  for (const compression of ['gzip', 'none'] as const) {
    t.test(`${protocol}, ${compression}: every family reaches the receiver with the values of /metrics`, async t => {
      const { otlp, sink, store } = await push(t, { protocol, compression, batchPoints: 10 }, { store: busy() })
      const page = withoutOwn(expected(store))
      const done = await otlp.exportNow()
      t.equal(done?.result, 'success')
      t.same(withoutOwn(samplesOf(sink.accepted())), page)
      t.ok(page.length > 250, `${page.length} samples were compared`)
      t.ok(sink.requests.length > 10, 'split into requests')
      t.ok(
        sink.requests.every(({ points }) => points.length <= 10),
        'no request exceeds the limit of points',
      )
      t.equal(sink.requests[0]!.headers['content-encoding'], compression === 'gzip' ? 'gzip' : undefined)
      t.same([...new Set(sink.requests.map(({ path }) => path))], ['/v1/metrics'], 'no traces or logs were sent')
    })
  }
}

t.test('a point carries the start time of its series, the time of its value, its kind and its unit', async t => {
  let now = 1_700_000_000_123
  const store = new SeriesStore({ now: () => now })
  const slot = store.family(M.flowBytes).series(PAIR)
  store.add(slot, 2 ** 53 - 1)
  const { otlp, sink } = await push(t, {}, { store })
  const before = Date.now()
  await otlp.exportNow()
  const [bytes] = named(sink.accepted(), 'weir.flow.bytes')
  t.equal(bytes?.value, 2 ** 53 - 1)
  t.equal(bytes?.unit, 'By')
  t.equal(bytes?.kind, 'sum')
  t.equal(bytes?.monotonic, true)
  t.equal(bytes?.temporality, 2, 'cumulative')
  t.equal(Math.round(bytes!.start), now)
  t.ok(bytes!.time >= before - 1 && bytes!.time <= Date.now() + 1)
  t.same(bytes?.attributes, {
    'k8s.src.namespace': 'shop',
    'k8s.src.owner.name': 'web',
    'k8s.dst.namespace': 'shop',
    'k8s.dst.owner.name': 'db',
    'weir.reporter': 'source',
    'weir.verdict': 'FORWARDED',
    'network.transport': 'tcp',
  })
  now += 5000
  store.set(store.family(M.connectionsActive).series([...PAIR.slice(0, 5), 'TCP']), 4)
  await otlp.exportNow()
  const [active] = named(sink.requests.at(-1)!.points, 'weir.connections.active')
  t.equal(active?.kind, 'gauge')
  t.equal(active?.value, 4)
  t.equal(Math.round(active!.start), now)
})

t.test('the overflow series has the boolean overflow attribute', async t => {
  const { otlp, sink } = await push(t, {}, { store: busy() })
  await otlp.exportNow()
  const overflow = sink
    .accepted()
    .filter(({ name }) => !name.startsWith('weir.otlp.'))
    .filter(({ attributes }) => attributes['otel.metric.overflow'] === true)
  t.same(
    overflow.map(({ name, attributes }) => [name, Object.keys(attributes).length]),
    [['weir.drop.packets', 1]],
  )
  t.equal(attributeName(M.dropPackets, OVERFLOW_LABEL), 'otel.metric.overflow')
})

t.test(
  'exponential histograms keep sum and count; cumulative counts hold within one growth factor of each bound',
  async t => {
    const { otlp, sink, store } = await push(t, { histograms: 'exponential' }, { store: busy() })
    await otlp.exportNow()
    const points = sink.accepted().filter(({ kind }) => kind === 'exponentialHistogram')
    t.ok(points.length >= 8)
    for (const point of points) {
      const metric = Object.values(M).find(each => otlpName(each).name === point.name)!
      const family = store.family(metric)
      const pair = Object.values(point.attributes)
      const index = Array.from({ length: family.size }, (_, i) => i).find(
        i => JSON.stringify(family.labels(i).map(([, value]) => value)) === JSON.stringify(pair),
      )!
      const cells = Array.from({ length: family.buckets.length + 2 }, (_, i) =>
        store.get((family.slot(index) + i) as never),
      )
      t.equal(point.sum, cells.at(-1))
      t.equal(
        point.count,
        cells.slice(0, -1).reduce((a, b) => a + b, 0),
      )
      t.equal(
        point.counts.reduce((a, b) => a + b, 0),
        point.count,
        'no count lost',
      )
      const growth = 2 ** (2 ** -point.scale)
      let below = 0
      for (const [i, bound] of family.buckets.entries()) {
        below += cells[i]!
        const upTo = point.counts.reduce((n, own, j) => {
          const upper = growth ** (point.offset + j + 1)
          return n + (upper < bound * growth * (1 - 1e-9) ? own : 0)
        }, 0)
        t.equal(upTo, below, `${point.name} up to ${bound}`)
      }
    }
  },
)

t.test('resource attributes identify the sender', async t => {
  const env = {
    NODE_NAME: 'node-7',
    POD_NAME: 'weir-x',
    POD_UID: 'u-1',
    POD_NAMESPACE: 'monitoring',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20b,k8s.cluster.name=c1',
    OTEL_SERVICE_NAME: 'weir-eu',
  }
  const { otlp, sink } = await push(t, { headers: { 'X-Scope-OrgID': 'team' } }, { env })
  await otlp.exportNow()
  const { resource, headers } = sink.requests[0]!
  t.match(resource, {
    'service.name': 'weir-eu',
    'service.version': '1.2.3',
    'service.instance.id': /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    'host.name': 'node-7',
    'k8s.node.name': 'node-7',
    'k8s.pod.name': 'weir-x',
    'k8s.pod.uid': 'u-1',
    'k8s.namespace.name': 'monitoring',
    'deployment.environment.name': 'a b',
    'k8s.cluster.name': 'c1',
    'telemetry.sdk.language': 'nodejs',
  })
  t.equal(headers['x-scope-orgid'], 'team')
  t.notOk(
    Object.keys(resource).some(name => name.startsWith('process.')),
    'no command line',
  )
})
