/**
 * clients.test.ts - abusive clients: idle, slow, oversized and malformed requests do not keep a scrape out.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import t, { type Test } from 'tap'
import { authority, signed } from '../support/certificates.js'
import { until } from '../support/until.js'
import { listening, raw } from '../support/web-listener.js'

/** Opens `count` connections and sends `text` on each. */
async function openConnections(t: Test, port: number, count: number, text = ''): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  t.teardown(() => sockets.forEach(socket => void socket.destroy()))
  await Promise.all(
    sockets.map(async socket => {
      socket.on('error', () => {})
      await once(socket, 'connect')
      if (text !== '') socket.write(text)
    }),
  )
  return sockets
}

t.test('1,000 idle connections and 50 slow senders do not stop a scrape', async t => {
  const { port, get, connections, refusals } = await listening(t)
  const idle = await openConnections(t, port, 1000)
  const slow = await openConnections(t, port, 50, 'GET / HTTP/1.1\r\nHost: a\r\nX-A: ')
  const dripping = setInterval(() => slow.forEach(socket => void (socket.writable && socket.write('a'))), 5)
  t.teardown(() => clearInterval(dripping))
  for (let i = 0; i < 5; i++) t.match(await get(), { status: 200, body: 'page' })
  t.ok(connections.size <= 512, `${connections.size} connections`)
  t.ok(refusals.length >= 1050 - 512, `${refusals.length} evicted`)
  t.strictSame(new Set(refusals), new Set(['evicted']))
  await until('the oldest are gone', () => idle.slice(0, 500).every(socket => socket.closed))
})

t.test('over TLS, 1,000 connections without a handshake and 50 slow senders do not stop a scrape', async t => {
  const folder = t.testdir({})
  const { certFile, keyFile } = signed(folder, 'server', authority(folder, 'ca'), 'IP:127.0.0.1')
  const file = join(folder, 'web.yml')
  writeFileSync(file, `tls_server_config: { cert_file: ${certFile}, key_file: ${keyFile} }\n`)
  const { port, get, connections, refusals } = await listening(t, file)
  const silent = await openConnections(t, port, 1000)
  const slow = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
      t.teardown(() => void socket.destroy())
      await once(socket, 'secureConnect')
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-A: ')
      return socket
    }),
  )
  const dripping = setInterval(() => slow.forEach(socket => void (socket.writable && socket.write('a'))), 5)
  t.teardown(() => clearInterval(dripping))
  for (let i = 0; i < 5; i++) t.match(await get(), { status: 200, body: 'page' })
  t.ok(connections.size <= 512, `${connections.size} connections`)
  t.ok(refusals.length >= 1050 - 512, `${refusals.length} evicted`)
  t.strictSame(new Set(refusals), new Set(['evicted']))
  await until('the oldest are gone', () => silent.slice(0, 500).every(socket => socket.closed))
})

t.test('idle connections are evicted, oldest first, but none with a response in progress', async t => {
  const { server, port, connections, refusals } = await listening(t)
  server.removeAllListeners('request')
  const answer = new Promise<() => void>(resolve => {
    server.once('request', (request, response) => {
      connections.startResponse(request.socket, response, 60_000)
      resolve(() => response.end('late'))
    })
  })
  const { closed } = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const finish = await answer
  await openConnections(t, port, 600)
  await until('some are evicted', () => refusals.length >= 600 + 1 - 512)
  finish()
  t.match(await closed, /late$/)
})

t.test('a response that the client does not read is cut off at its deadline', async t => {
  const { server, port, connections } = await listening(t)
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    connections.startResponse(request.socket, response, 50)
    response.write(Buffer.alloc(32 << 20))
  })
  const { socket } = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.pause()
  await until('the connection is gone', () => connections.size === 0)
  socket.destroy()
})

t.test('an unfinished request gets 408', async t => {
  const { port, refusals, server } = await listening(t)
  server.headersTimeout = 1
  server.requestTimeout = 1
  const { closed } = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
  t.match(await closed, /^HTTP\/1\.1 408 Request Timeout\r\n/)
  t.strictSame(refusals, ['timeout'])
})

t.test('oversized headers or an oversized URL get 431; bytes that are not HTTP get 400', async t => {
  const { port, refusals } = await listening(t)
  const big = 'a'.repeat(20_000)
  t.match(await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${big}\r\n\r\n`).closed, /^HTTP\/1\.1 431 /)
  t.match(await raw(port, `GET /${big} HTTP/1.1\r\nHost: a\r\n\r\n`).closed, /^HTTP\/1\.1 431 /)
  t.match(await raw(port, 'hello\r\n\r\n').closed, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(await raw(port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03').closed, /^HTTP\/1\.1 400 /)
  t.strictSame(refusals, Array(4).fill('malformed'))
})

t.test('a connection that is answered 408 or 400 is closed, also when its client keeps its side open', async t => {
  const { port } = await listening(t)
  for (const text of ['GET / HTTP/1.1\r\nHost: weir\r\nX', 'nonsense\r\n\r\n']) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let got = ''
    socket
      .on('error', () => undefined)
      .on('data', data => {
        got += data
      })
    socket.write(text)
    await until('the answer', () => /^HTTP\/1.1 4\d\d /.test(got))
    await until('the connection is closed', () => !socket.write('x') || socket.destroyed || socket.errored !== null)
    socket.destroy()
  }
})
