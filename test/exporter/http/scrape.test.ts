/**
 * scrape.test.ts - scrapes: format, compression, metric groups, timeout and concurrency limit.
 */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { GROUPS } from '../../../src/exporter/catalog/metric.js'
import { PageMemory } from '../../../src/exporter/http/page-memory.js'
import { createServer, type ServerOptions } from '../../../src/exporter/http/server.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'
import { parseOpenMetrics } from '../../support/openmetrics.js'
import { until } from '../../support/until.js'
import { startWeir } from '../../support/weir-process.js'

const RECORDS = fileURLToPath(new URL('../../../examples/records.pcap', import.meta.url))
const OPEN = { accept: 'application/openmetrics-text;version=1.0.0' }

const start = async (t: Test, more: Partial<ServerOptions> = {}) => {
  const store = new SeriesStore()
  store.family(M.flowPackets).series(['a', 'b', 'c', 'd', 'source', 'FORWARDED', 'TCP'])
  store.family(M.dropPackets).series(['a', 'b', 'c', 'd', 'node', 'NETFILTER_DROP', 'TCP'])
  const server = createServer({
    telemetryPath: '/metrics',
    collect: () => {},
    store,
    processText: async () => '# HELP process_open_fds F.\n# TYPE process_open_fds gauge\nprocess_open_fds 7\n',
    ready: () => undefined,
    status: () => [],
    ...more,
  })
  t.teardown(() => server.close(0))
  return { store, url: await server.listen('127.0.0.1:0') }
}

const get = (url: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const request = httpRequest(url, { headers, agent: false }, async response => {
      const parts: Buffer[] = []
      response.on('error', reject)
      for await (const part of response) parts.push(part)
      const body = Buffer.concat(parts)
      const plain = response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      resolve({ status: response.statusCode!, headers: response.headers, body: plain.toString() })
    })
    request.on('error', reject).end()
  })

const names = (page: string) => new Set(parse(page).map(({ name }) => name))

t.test('a client that asks for OpenMetrics gets it, gzipped if accepted, with the same values', async t => {
  const { url } = await start(t)
  const text = await get(`${url}/metrics?exclude[]=self`)
  const open = await get(`${url}/metrics?exclude[]=self`, { ...OPEN, 'accept-encoding': 'gzip' })
  t.equal(text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  t.equal(open.headers.vary, 'Accept, Accept-Encoding')
  const samples = parseOpenMetrics(open.body).flatMap(family => family.samples)
  t.strictSame(
    samples.filter(({ name }) => !name.endsWith('_created')),
    parse(text.body),
  )
  t.equal(samples.filter(({ name }) => name.endsWith('_created')).length, 2)
  t.notMatch(text.body, '# EOF')
})

t.test('_created lines can be turned off', async t => {
  const { url } = await start(t, { created: false })
  t.notMatch((await get(`${url}/metrics`, OPEN)).body, '_created')
})

t.test('collect[] selects groups, exclude[] leaves groups out', async t => {
  const { url } = await start(t)
  const [flow, drop, fds] = [M.flowPackets.name, M.dropPackets.name, 'process_open_fds']
  const of = async (query: string) => names((await get(`${url}/metrics?${query}`)).body)
  t.strictSame(await of('collect[]=flow'), new Set([flow]))
  t.strictSame(await of('collect%5B%5D=drop&collect[]=process&x=y'), new Set([drop, fds]))
  t.strictSame(await of('collect[]=hubble'), new Set())
  t.strictSame(await of('exclude[]=self&exclude[]=drop'), new Set([flow, fds]))
  const all = await of('')
  for (const name of [flow, drop, fds, M.stageUp.name]) t.ok(all.has(name), name)
})

t.test('an unknown group, and collect[] with exclude[], get 400 with the reason', async t => {
  const { url } = await start(t)
  const both = await get(`${url}/metrics?collect[]=flow&exclude[]=drop`)
  t.match(both, { status: 400, body: /collect\[\] and exclude\[\]/ })
  for (const query of ['collect[]=flows', 'exclude[]=flows', 'collect[]=flow&collect[]=flows']) {
    const { status, body } = await get(`${url}/metrics?${query}`)
    t.equal(status, 400, query)
    t.match(body, `unknown metric group "flows", allowed: ${GROUPS.join(', ')}.`)
  }
  t.match((await get(`${url}/metrics?collect[]=%0d%0a`)).body, 'group "\\r\\n"')
})

t.test('concurrent scrapes of the same format and groups share a page', async t => {
  let open: (text: string) => void = () => {}
  const opened = new Promise<string>(resolve => {
    open = resolve
  })
  let collected = 0
  const { url } = await start(t, { processText: () => opened, collect: () => collected++ })
  const scrapes = [
    ...[1, 2, 3].map(() => get(`${url}/metrics`)),
    ...[1, 2].map(() => get(`${url}/metrics`, OPEN)),
    ...['collect[]=process&collect[]=self', 'collect[]=self&collect[]=process'].map(q => get(`${url}/metrics?${q}`)),
  ]
  for (let i = 0; i < 3; i++) await get(`${url}/-/healthy`)
  open('')
  const pages = await Promise.all(scrapes)
  t.equal(collected, 3)
  t.equal(pages[0]!.body, pages[2]!.body)
  t.equal(pages[3]!.body, pages[4]!.body)
  t.equal(pages[5]!.body, pages[6]!.body)
})

t.test('a scrape past its timeout gets 503 and frees its slot', async t => {
  let stuck = true
  const never = new Promise<string>(() => {})
  const { url } = await start(t, { maxRequests: 1, processText: async () => (stuck ? never : '') })
  const late = await get(`${url}/metrics`, { 'x-prometheus-scrape-timeout-seconds': '0.05' })
  t.match(late, { status: 503, body: /not ready within the scrape timeout of 0.05 s/ })
  stuck = false
  t.equal((await get(`${url}/metrics?collect[]=flow`)).status, 200)
  for (const odd of ['', 'soon', '-1', '0', '1e99']) {
    const { status } = await get(`${url}/metrics?collect[]=flow`, { 'x-prometheus-scrape-timeout-seconds': odd })
    t.equal(status, 200, odd)
  }
})

t.test('concurrent scrapes are limited to maxRequests; 0 is no limit', async t => {
  for (const [maxRequests, refused] of [
    [3, 47],
    [0, 0],
  ] as const) {
    let open: (text: string) => void = () => {}
    const opened = new Promise<string>(resolve => {
      open = resolve
    })
    let rejected = 0
    const { url } = await start(t, { maxRequests, processText: () => opened })
    const scrapes = Array.from({ length: 50 }, async () => {
      const { status } = await get(`${url}/metrics`)
      if (status === 503) rejected++
      return status
    })
    while (rejected < refused) await get(`${url}/-/healthy`)
    for (let i = 0; i < 3; i++) await get(`${url}/-/healthy`)
    open('')
    const statuses = await Promise.all(scrapes)
    t.equal(statuses.filter(status => status === 503).length, refused, `${maxRequests}`)
    t.equal(statuses.filter(status => status === 200).length, 50 - refused, `${maxRequests}`)
  }
})

t.test('a client that disconnects during a scrape does not affect other scrapes', async t => {
  let open: (text: string) => void = () => {}
  const opened = new Promise<string>(resolve => {
    open = resolve
  })
  const { url } = await start(t, { processText: () => opened, maxRequests: 2 })
  const leaving = httpRequest(`${url}/metrics`, { agent: false })
  leaving.on('error', () => {})
  leaving.end()
  await once(leaving, 'finish')
  const stays = get(`${url}/metrics`)
  await get(`${url}/-/healthy`)
  leaving.destroy()
  await get(`${url}/-/healthy`)
  open('')
  t.equal((await stays).status, 200)
  t.equal((await get(`${url}/metrics`)).status, 200)
})

t.test('flags turn off process metrics and _created lines, and limit concurrent scrapes', async t => {
  const flags = ['--web.disable-exporter-metrics', '--no-openmetrics.created', '--web.max-requests', '1']
  for (const given of [true, false]) {
    const weir = await startWeir(['--source', `replay:${RECORDS}`, ...(given ? flags : [])])
    t.teardown(() => weir.stop())
    const { body } = await get(`${weir.url}/metrics`, OPEN)
    const families = parseOpenMetrics(body)
    t.equal(
      families.some(({ name }) => /^(process|nodejs)_/.test(name)),
      !given,
    )
    t.equal(body.includes('_created'), !given)
    const someRefused = async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(`${weir.url}/metrics`)))
      return answers.some(({ status }) => status === 503)
    }
    // Twenty parallel requests may still be answered one after the other.
    if (given) await until('two scrapes overlap', someRefused)
    else t.notOk(await someRefused())
    await weir.stop()
  }
})

/** Sends a scrape and reads nothing. */
async function unread(t: Test, url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.pause().on('error', () => undefined)
  t.teardown(() => socket.destroy())
  socket.write('GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n')
  await once(socket, 'connect')
  return socket
}

t.test('pages of slow readers take a bounded number of bytes, and the next scrape is refused', async t => {
  const refusals: string[] = []
  // More than the kernel's buffers hold.
  const large = `# HELP process_x X.\n# TYPE process_x gauge\n${'process_x{a="b"} 1\n'.repeat(1_000_000)}`
  let pages = 0
  const { url } = await start(t, {
    processText: async () => {
      pages++
      return large
    },
    maxPageBytes: 3.5 * large.length,
    onScrapeRefused: reason => refusals.push(reason),
  })
  const readers: Socket[] = []
  for (let i = 1; i <= 3; i++) {
    readers.push(await unread(t, url))
    await until('the page is made', () => pages === i)
  }
  const refused = await until('a scrape is refused', async () => {
    const answer = await get(`${url}/metrics`)
    return answer.status === 503 ? answer : undefined
  })
  t.equal(refused.headers['retry-after'], '5')
  t.match(refused.body, /take too much memory/)
  t.strictSame(new Set(refusals), new Set(['memory']))
  for (const reader of readers) reader.destroy()
  await until('a scrape is answered again', async () => (await get(`${url}/metrics`)).status === 200)
})

t.test('a page that is alone over the limit is still sent', async t => {
  const { url } = await start(t, { maxPageBytes: 10 })
  t.equal((await get(`${url}/metrics`)).status, 200)
  t.equal((await get(`${url}/metrics`)).status, 200)
})

t.test('scrapes in flight share one page, and a slow reader holds no copy of it', async t => {
  const memory = new PageMemory(100)
  const page = [Buffer.alloc(60)]
  const releases = [memory.hold(page), memory.hold(page)]
  t.equal(memory.held, 60)
  t.equal(memory.hasRoom, false)
  releases.pop()!()
  t.equal(memory.held, 60)
  releases.pop()!()
  t.equal(memory.held, 0)
  t.equal(memory.hasRoom, true)
  let finish: () => void = () => {}
  const making = new Promise<void>(resolve => {
    finish = resolve
  })
  memory.make(making, making)
  t.equal(memory.hasRoom, false, 'a page in the making counts like the last one')
  finish()
  await making
  await Promise.resolve()
  t.equal(memory.hasRoom, true)
})
