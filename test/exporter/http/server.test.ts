/**
 * server.test.ts - the HTTP server: scrapes, health and readiness, the landing page, methods and paths, shutdown.
 */
import { spawnSync } from 'node:child_process'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { createServer, type ServerOptions } from '../../../src/exporter/http/server.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'

/** A server on a free port. Its collect() counts its calls in weir_ring_full_total. */
const start = async (t: Test, more: Partial<ServerOptions> = {}) => {
  const store = new SeriesStore()
  const calls = store.family(M.ringFull).series([])
  const server = createServer({
    telemetryPath: '/metrics',
    collect: () => store.add(calls, 1),
    store,
    ready: () => undefined,
    status: () => [],
    ...more,
  })
  t.teardown(() => server.close(0))
  return { store, server, url: await server.listen('127.0.0.1:0') }
}

const get = (url: string, method = 'GET', headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, async response => {
      const parts: Buffer[] = []
      response.on('error', reject)
      for await (const part of response) parts.push(part)
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) })
    })
    request.on('error', reject).end()
  })

const sampleOf = (body: Buffer, name: string, labels = {}) =>
  parse(body.toString()).find(
    sample => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels),
  )?.value

/** A promise and the function that resolves it. */
const deferred = <T>() => {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>(resolve => {
    open = resolve
  })
  return { open, opened }
}

t.test('a scrape collects first and is answered in text format 0.0.4', async t => {
  const { url } = await start(t, { processText: async () => 'process_open_fds 7\n' })
  const first = await get(`${url}/metrics`)
  t.equal(first.status, 200)
  t.equal(first.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(first.headers['content-length'], String(first.body.length))
  t.equal(first.headers['content-encoding'], undefined)
  t.equal(sampleOf(first.body, 'weir_ring_full_total'), 1)
  t.equal(sampleOf(first.body, 'process_open_fds'), 7)
  const second = (await get(`${url}/metrics?other=x`)).body
  t.equal(sampleOf(second, 'weir_ring_full_total'), 2)
  t.equal(sampleOf(second, 'weir_stage_up', { stage: 'collect' }), 1)
  t.ok(sampleOf(second, 'weir_stage_seconds_total', { stage: 'render' })! > 0)
})

t.test('a page shows the size of each family and the series refused', async t => {
  const store = new SeriesStore({ budget: 2 })
  const { url } = await start(t, { store, collect: () => {} })
  for (const reason of ['a', 'b', 'c', 'd']) store.family(M.decodeFaults).series([reason])
  const { body } = await get(`${url}/metrics`)
  t.equal(sampleOf(body, 'weir_series', { family: 'weir_decode_faults_total' }), 3)
  t.equal(sampleOf(body, 'weir_series_refused_total', { family: 'weir_decode_faults_total' }), 2)
})

t.test('a page is gzipped only if the client accepts gzip', async t => {
  const { url } = await start(t)
  const cases = [
    ['gzip', true],
    ['deflate, GZIP;q=0.5', true],
    ['identity', false],
    ['gzip;q=0', false],
    ['gzip;q=0.00, identity', false],
    ['gzipped', false],
  ] as const
  for (const [accepted, gzipped] of cases) {
    const { headers, body } = await get(`${url}/metrics`, 'GET', { 'accept-encoding': accepted })
    t.equal(headers['content-encoding'], gzipped ? 'gzip' : undefined, accepted)
    t.equal(headers.vary, 'Accept, Accept-Encoding')
    t.equal(headers['content-length'], String(body.length))
    t.match((gzipped ? gunzipSync(body) : body).toString(), '# TYPE weir_ring_full_total counter\n')
  }
})

t.test('HEAD is answered like GET, without a body', async t => {
  const { url } = await start(t)
  for (const path of ['/metrics', '/', '/-/healthy', '/-/ready']) {
    const { status, headers, body } = await get(url + path, 'HEAD')
    t.equal(status, 200, path)
    t.ok(Number(headers['content-length']) > 0, path)
    t.equal(body.length, 0, path)
  }
})

t.test('other methods get 405 with an Allow header, other paths 404', async t => {
  const { url } = await start(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await get(`${url}/metrics`, method)
    t.equal(status, 405, method)
    t.equal(headers.allow, 'GET, HEAD', method)
  }
  for (const path of ['/metric', '/metrics/', '/-/', '/-/quit']) {
    t.equal((await get(url + path)).status, 404, path)
  }
})

t.test('/-/healthy is always 200, /-/ready is 503 with the reason until Weir is ready', async t => {
  let reason: string | undefined = 'no interface is watched'
  const { url } = await start(t, { ready: () => reason })
  t.match(await get(`${url}/-/healthy`), { status: 200, body: Buffer.from('Healthy.\n') })
  t.match(await get(`${url}/-/ready`), { status: 503, body: Buffer.from('Not ready: no interface is watched\n') })
  reason = undefined
  t.match(await get(`${url}/-/ready`), { status: 200, body: Buffer.from('Ready.\n') })
})

t.test('the landing page shows status and links, escaped and without scripts', async t => {
  const { url } = await start(t, {
    telemetryPath: '/m',
    status: () => [
      ['Version', '1.2.3'],
      ['Source', '<script>alert("&")'],
    ],
  })
  const { headers, body } = await get(`${url}/`)
  const page = body.toString()
  t.equal(headers['content-type'], 'text/html; charset=utf-8')
  for (const part of [
    '<title>Weir</title>',
    '1.2.3',
    'href="/m"',
    'href="/-/ready"',
    '&lt;script&gt;alert(&quot;&amp;&quot;)',
  ]) {
    t.ok(page.includes(part), part)
  }
  t.notMatch(page, /<script|(href|src)="https?:|@import|url\(/)
})

t.test('concurrent scrapes share one collect, the next scrape collects again', async t => {
  const { open, opened } = deferred<string>()
  let calls = 0
  const processText = () => {
    calls++
    return opened
  }
  const { url } = await start(t, { processText })
  let arrived = 0
  const scrapes = [1, 2, 3].map(() => get(`${url}/metrics`).finally(() => arrived++))
  // Health is answered meanwhile. Three such requests after all three connected give the server time to see each scrape.
  for (let i = 0; i < 3; i++) await get(`${url}/-/healthy`)
  t.equal(arrived, 0)
  open('')
  const values = (await Promise.all(scrapes)).map(({ body }) => sampleOf(body, 'weir_ring_full_total'))
  t.strictSame(values, [1, 1, 1])
  t.equal(calls, 1)
  t.equal(sampleOf((await get(`${url}/metrics`)).body, 'weir_ring_full_total'), 2)
})

t.test('scrapes above the limit get 503, and later ones are answered again', async t => {
  const { open, opened } = deferred<string>()
  const { url } = await start(t, { processText: () => opened })
  const statuses: number[] = []
  const refused = deferred<void>()
  const scrapes = Array.from({ length: 42 }, async () => {
    statuses.push((await get(`${url}/metrics`)).status)
    if (statuses.length === 2) refused.open()
  })
  await refused.opened
  t.strictSame(statuses, [503, 503])
  open('')
  await Promise.all(scrapes)
  t.equal(statuses.filter(status => status === 200).length, 40)
  t.equal((await get(`${url}/metrics`)).status, 200)
})

t.test('an OS error in collect() sets weir_stage_up to 0, and the page still renders', async t => {
  let broken = true
  const errors: string[] = []
  const { url } = await start(t, {
    collect: () => {
      if (broken) throw Object.assign(new Error('EPERM: drain'), { code: 'EPERM', syscall: 'drain' })
    },
    onCollectError: error => errors.push(error.message),
  })
  const down = await get(`${url}/metrics`)
  t.equal(down.status, 200)
  t.equal(sampleOf(down.body, 'weir_stage_up', { stage: 'collect' }), 0)
  t.strictSame(errors, ['EPERM: drain'])
  broken = false
  t.equal(sampleOf((await get(`${url}/metrics`)).body, 'weir_stage_up', { stage: 'collect' }), 1)
})

t.test('any other error in collect() is a bug and ends the process', async t => {
  const program = `
    import { get } from 'node:http'
    import { SeriesStore } from ${JSON.stringify(import.meta.resolve('../../../src/exporter/series/series.js'))}
    import { createServer } from ${JSON.stringify(import.meta.resolve('../../../src/exporter/http/server.js'))}
    const server = createServer({
      telemetryPath: '/metrics', store: new SeriesStore(), ready: () => undefined, status: () => [],
      collect: () => { throw new TypeError('a bug') },
    })
    get(await server.listen('127.0.0.1:0') + '/metrics').on('error', () => {})`
  const argv = ['--input-type=module', '-e', program]
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  t.equal(status, 1, stderr)
  t.match(stderr, 'TypeError: a bug')
})

t.test('close() finishes the scrape in progress and accepts no new one', async t => {
  const { open, opened } = deferred<string>()
  const started = deferred<void>()
  const { server, url } = await start(t, {
    processText: () => {
      started.open()
      return opened
    },
  })
  const scrape = get(`${url}/metrics`, 'GET', { connection: 'keep-alive' })
  await started.opened
  const closed = server.close()
  await t.rejects(get(`${url}/-/healthy`), { code: 'ECONNREFUSED' })
  open('last_words 1\n')
  const { status, body } = await scrape
  t.equal(status, 200)
  t.equal(sampleOf(body, 'last_words'), 1)
  await closed
  await server.close()
})

t.test('close() closes idle connections at once and busy ones at the deadline', async t => {
  const { server, url } = await start(t, { processText: () => new Promise(() => {}) })
  const port = Number(new URL(url).port)
  const [idle, stuck] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  const closed = [idle, stuck].map(
    socket => new Promise<void>(resolve => socket.on('error', () => {}).on('close', () => resolve())),
  )
  idle.write('GET /-/healthy HTTP/1.1\r\nHost: weir\r\n\r\n')
  await new Promise(resolve => idle.once('data', resolve))
  stuck.write('GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n')
  await get(`${url}/-/healthy`)
  await server.close(50)
  await Promise.all(closed)
  for (const socket of [idle, stuck]) t.ok(socket.destroyed)
})

t.test('the error for a port in use names the address', async t => {
  const { url, store } = await start(t)
  const address = new URL(url).host
  const other = createServer({
    telemetryPath: '/metrics',
    collect: () => {},
    store,
    ready: () => undefined,
    status: () => [],
  })
  await t.rejects(other.listen(address), {
    message: `listen address '${address}': the port is in use`,
    code: 'EADDRINUSE',
    syscall: 'listen',
  })
  await t.rejects(other.listen('nonsense'), { message: /^listen address 'nonsense': expected :PORT/ })
  t.match(await other.listen(':0'), /^http:\/\/localhost:\d+$/)
  await other.close()
})

t.test('an invalid or taken telemetry path is rejected', async t => {
  for (const telemetryPath of ['', 'metrics', '/', '/-/ready', '/a?b', '/a b']) {
    t.throws(
      () =>
        createServer({
          telemetryPath,
          collect: () => {},
          store: new SeriesStore(),
          ready: () => undefined,
          status: () => [],
        }),
      {
        message: `telemetry path '${telemetryPath}': expected a path such as /metrics, but not /, /-/healthy, /-/ready`,
      },
    )
  }
})
