/**
 * web-requests.ts - fuzz target: the bytes that a client sends to the HTTP server.
 *
 * Out:   the server answers or closes the connection, and still answers the next client. An exception in a handler ends the
 *        thread, and so the run.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { M } from '../../src/exporter/catalog/catalog.js'
import { createServer } from '../../src/exporter/http/server.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { around, bytesOf, type FuzzTarget } from './target.js'

const DEADLINE_MS = 5000

const store = new SeriesStore()
store.add(store.family(M.ringFull).series([]), 1)
const server = createServer({
  telemetryPath: '/metrics',
  store,
  collect: () => {},
  ready: () => undefined,
  status: () => [],
})
let port: number | undefined

const path = fc.constantFrom(
  '/',
  '/metrics',
  '/-/ready',
  '/-/reload',
  '/metrics?collect[]=flow',
  '/x',
  '/metrics?collect[]=',
  '*',
)
const header = fc.constantFrom(
  'Accept: application/openmetrics-text; version=1.0.0; q=0.5, */*; q=0.1',
  'Accept: text/plain;version=0.0.4;escaping=allow-utf-8;q=0.9,,;;q=,',
  'Accept-Encoding: gzip;q=0.0, identity',
  'Authorization: Basic dXNlcjpwYXNz',
  'Authorization: Basic ====',
  'X-Prometheus-Scrape-Timeout-Seconds: 1e400',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Expect: 100-continue',
)
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'CONNECT', 'OPTIONS')
const requests = fc.tuple(method, path, fc.array(header, { maxLength: 4 })).map(([method, path, headers]) => {
  return bytesOf([`${method} ${path} HTTP/1.1`, 'Host: weir', ...headers, '', ''].join('\r\n'))
})

export const webRequests: FuzzTarget = {
  name: 'web-requests',
  input: around(requests),
  async run(bytes) {
    port ??= Number(new URL(await server.listen('127.0.0.1:0')).port)
    await exchanged(port, bytes)
  },
  close: () => server.close(0),
}

/** Sends the bytes and the end of the stream; resolves when the server has closed the connection. */
async function exchanged(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume().end(bytes)
  const closed = await Promise.race([once(socket, 'close'), deadline()])
  socket.destroy()
  if (closed === LATE) throw new Error(`the connection is open ${DEADLINE_MS} ms after its end`)
}

const LATE = Symbol('late')

function deadline(): Promise<typeof LATE> {
  return new Promise(resolve => setTimeout(resolve, DEADLINE_MS, LATE).unref())
}
