/**
 * stop-clients.test.ts - SIGTERM ends Weir within two seconds, whatever its clients do.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { authority } from '../support/certificates.js'
import { MAIN } from '../support/command.js'
import { socketPath } from '../support/served-flows.js'
import { until } from '../support/until.js'
import { plainEnvironment, startWeir, type WeirProcess } from '../support/weir-process.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))
const REPLAY = ['--source', `replay:${EXAMPLES}records.pcap`, '--inventory', `${EXAMPLES}inventory.json`]
const STOP_MS = 2000

async function stopsInTime(t: Test, weir: WeirProcess): Promise<void> {
  const start = performance.now()
  const { code } = await weir.stop()
  t.equal(code, 0, weir.stderr())
  t.ok(performance.now() - start < STOP_MS, `${Math.round(performance.now() - start)} ms`)
}

/** `weir observe --follow` with a first flow, then stopped: its connection stays open and nothing reads from it. */
async function frozenFollower(t: Test, server: string): Promise<void> {
  const args = [MAIN, 'observe', '--server', server, '--follow', '--all', '-o', 'jsonpb']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: plainEnvironment() })
  t.teardown(() => child.kill('SIGKILL'))
  // Not read on, so the follower and then the server block.
  await once(child.stdout!, 'readable')
  child.kill('SIGSTOP')
}

/** A connection that sends `text` and never reads. */
async function silent(t: Test, url: string, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

t.test('with followers of the flow API that stand still', async t => {
  const path = socketPath(t)
  const listen = '--hubble.listen-address'
  const weir = await startWeir([...REPLAY, '--flow-buffer', '65535', listen, `unix://${path}`, listen, '127.0.0.1:0'])
  const port = await until('the API listens', () => /address=127\.0\.0\.1:(\d+)/.exec(weir.stderr())?.[1])
  await Promise.all([frozenFollower(t, `unix://${path}`), frozenFollower(t, `127.0.0.1:${port}`)])
  await stopsInTime(t, weir)
})

t.test('with connections to the flow API that send nothing, or half a frame', async t => {
  const weir = await startWeir([...REPLAY, '--hubble.listen-address', '127.0.0.1:0'])
  const port = await until('the API listens', () => /address=127\.0\.0\.1:(\d+)/.exec(weir.stderr())?.[1])
  for (const text of ['', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0']) await silent(t, `http://127.0.0.1:${port}`, text)
  await stopsInTime(t, weir)
})

t.test('with slow scrapers, half requests and half-open TLS handshakes', async t => {
  const folder = t.testdir({})
  const { certFile, keyFile } = authority(folder, 'weir')
  const file = join(folder, 'web.yml')
  writeFileSync(file, `tls_server_config: { cert_file: ${certFile}, key_file: ${keyFile} }\n`)
  // For startWeir's question whether Weir is ready.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.teardown(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED)
  const secure = await startWeir([...REPLAY, '--web.config.file', file])
  for (const text of ['', '\x16\x03\x01\x02\x00\x01\x00']) await silent(t, secure.url, text)
  const plain = await startWeir(REPLAY)
  const scrape = 'GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n'
  for (const text of [scrape.repeat(100), 'GET /met', `${scrape}GET`, 'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n'])
    await silent(t, plain.url, text)
  await Promise.all([stopsInTime(t, secure), stopsInTime(t, plain)])
})
