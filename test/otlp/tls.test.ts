import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { authority, signed } from '../support/certificates.js'
import { push } from '../support/otlp-push.js'
import { startSink } from '../support/otlp-sink.js'

t.test('a receiver over TLS is trusted by its authority, and trusts us by our certificate', async t => {
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

  t.equal((await otlp.exportNow())?.outcome, 'unreachable', 'not its authority')
  t.match(lines.at(-1), /certificate|self.signed|issuer/i)
  t.equal(sink.requests.length, 0)

  use(ca.certFile, stranger)
  const refused = await otlp.exportNow()
  t.ok(['unreachable', 'broken'].includes(String(refused?.outcome)), `not our authority: ${refused?.outcome}`)
  t.equal(sink.requests.length, 0)

  use(ca.certFile, client)
  t.equal((await otlp.exportNow())?.outcome, 'success', 'files are read again before each export')
  t.equal(sink.accepted().find(({ name }) => name === 'weir.ring.full')?.value, 3)
})
