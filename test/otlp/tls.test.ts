/**
 * tls.test.ts - the push over TLS: trust, client certificates, renewal.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { authority, signed } from '../support/certificates.js'
import { push } from '../support/otlp-push.js'
import { startSink } from '../support/otlp-sink.js'

t.test('the push verifies the receiver and authenticates with a client certificate, both renewable', async t => {
  const dir = t.testdir()
  const ca = authority(dir, 'ca')
  const other = authority(dir, 'other')
  const server = signed(dir, 'server', ca, 'IP:127.0.0.1')
  const client = signed(dir, 'client', ca, 'DNS:weir')
  const stranger = signed(dir, 'stranger', other, 'DNS:weir')
  const sink = await startSink(0, {
    key: readFileSync(server.keyFile),
    cert: readFileSync(server.certFile),
    ca: readFileSync(ca.certFile),
    requestCert: true,
  })
  t.teardown(() => sink.close())
  const [certificate, clientCertificate, clientKey] = ['trust.pem', 'cert.pem', 'key.pem'].map(name =>
    join(dir, name),
  ) as [string, string, string]
  const use = (trust: string, pair: { certFile: string; keyFile: string }): void => {
    copyFileSync(trust, certificate)
    copyFileSync(pair.certFile, clientCertificate)
    copyFileSync(pair.keyFile, clientKey)
  }
  use(other.certFile, client)
  const settings = { url: sink.url, certificate, clientCertificate, clientKey, timeoutMs: 700 }
  const { otlp, store, lines } = await push(t, settings)
  store.add(store.family(M.ringFull).series([]), 3)

  t.equal(
    (await otlp.exportNow())?.result,
    'unreachable',
    'the server certificate is not signed by the trusted authority',
  )
  t.match(lines.at(-1), /certificate|self.signed|issuer/i)
  t.equal(sink.requests.length, 0)

  use(ca.certFile, stranger)
  const refused = await otlp.exportNow()
  t.ok(
    ['unreachable', 'broken'].includes(String(refused?.result)),
    `the client certificate is not trusted: ${refused?.result}`,
  )
  t.equal(sink.requests.length, 0)

  use(ca.certFile, client)
  t.equal((await otlp.exportNow())?.result, 'success', 'the files are read before each export')
  t.equal(sink.accepted().find(({ name }) => name === 'weir.ring.full')?.value, 3)
})
