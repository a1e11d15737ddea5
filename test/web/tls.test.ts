/**
 * tls.test.ts - TLS as the web config file sets it: versions, suites, client certificates, changed files.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import t, { type Test } from 'tap'
import { alternativeNames } from '../../src/web/client-certificate.js'
import { authority, type Pair, signed } from '../support/certificates.js'
import { until } from '../support/until.js'
import { listening, statusOf } from '../support/web-listener.js'

const folder = t.testdir()
const ca = authority(folder, 'ca')
const stranger = authority(folder, 'stranger')
const server = signed(folder, 'server', ca, 'DNS:localhost,IP:127.0.0.1')
const second = signed(folder, 'second', ca, 'DNS:localhost,IP:127.0.0.1')
const client = signed(folder, 'client', ca, 'DNS:prometheus.example,URI:spiffe://a/b,email:ops@example.org,IP:::1')
const forged = signed(folder, 'forged', stranger, 'DNS:prometheus.example')

let files = 0
const written = (more = '', pair: Pair = server) => {
  const file = join(folder, `web-${files++}.yml`)
  writeFileSync(file, config(more, pair))
  return file
}
const config = (more = '', pair: Pair = server) =>
  `tls_server_config: { cert_file: ${pair.certFile}, key_file: ${pair.keyFile}${more && `, ${more}`} }\n`
const shows = ({ cert, key }: Pair) => ({ cert, key })

t.test('the page is served over TLS to clients that trust the authority, and not over plain HTTP', async t => {
  const { get, port } = await listening(t, written())
  t.match(await get({ ca: ca.cert, rejectUnauthorized: true }), { status: 200, body: 'page' })
  t.not(await statusOf(get({ ca: stranger.cert, rejectUnauthorized: true })), 200)
  t.not(await statusOf(fetch(`http://127.0.0.1:${port}/`)), 200)
})

t.test('client certificates are requested and verified according to client_auth_type', async t => {
  const authorities = `client_ca_file: ${ca.certFile}`
  const table = [
    ['NoClientCert', '', { none: true, good: true, forged: true }],
    ['RequestClientCert', '', { none: true, good: true, forged: true }],
    ['RequireAnyClientCert', '', { none: false, good: true, forged: true }],
    ['RequireClientCert', '', { none: false, good: true, forged: true }],
    ['VerifyClientCertIfGiven', authorities, { none: true, good: true, forged: false }],
    ['RequireAndVerifyClientCert', authorities, { none: false, good: true, forged: false }],
  ] as const
  for (const [type, more, expected] of table) {
    const { get } = await listening(t, written(`client_auth_type: ${type}${more && `, ${more}`}`))
    const enters = async (pair?: Pair) => (await statusOf(get(pair && shows(pair)))) === 200
    const found = { none: await enters(), good: await enters(client), forged: await enters(forged) }
    t.strictSame(found, expected, type)
  }
})

t.test('client_allowed_sans matches names of every kind exactly', async t => {
  const rule = (name: string) =>
    written(
      `client_auth_type: RequireAndVerifyClientCert, client_ca_file: ${ca.certFile}, client_allowed_sans: ["${name}"]`,
    )
  for (const name of ['prometheus.example', 'spiffe://a/b', 'ops@example.org', '::1']) {
    const { get } = await listening(t, rule(name))
    t.equal(await statusOf(get(shows(client))), 200, name)
  }
  for (const name of ['Prometheus.example', 'prometheus', 'client', '127.0.0.1']) {
    const { get, refusals } = await listening(t, rule(name))
    t.not(await statusOf(get(shows(client))), 200, name)
    t.strictSame(refusals, ['certificate'])
  }
})

t.test('a quoted name is one name', async t => {
  t.strictSame(alternativeNames('DNS:a, IP Address:0:0:0:0:0:0:0:1, DNS:"b, DNS:c", URI:x:y, othername:<z>'), [
    'a',
    '::1',
    'b, DNS:c',
    'x:y',
  ])
  t.strictSame(alternativeNames(''), [])
})

/** Connects with these TLS options: the negotiated parameters, or the error. */
const handshake = (port: number, options: object) =>
  new Promise<{ protocol: string | null; cipher: string; curve: string } | string>(resolve => {
    const socket: TLSSocket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      const curve = (socket.getEphemeralKeyInfo() as { name?: string }).name ?? ''
      resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, curve })
      socket.destroy()
    })
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
  })

t.test('the file sets versions, suites and curves', async t => {
  const speaks = async (more: string, options: object) => handshake((await listening(t, written(more))).port, options)
  const old = { maxVersion: 'TLSv1.2' }
  t.match(await speaks('', {}), { protocol: 'TLSv1.3' })
  t.match(await speaks('', old), { protocol: 'TLSv1.2' })
  t.match(await speaks('max_version: TLS12', {}), { protocol: 'TLSv1.2' })
  t.type(await speaks('min_version: TLS13', old), 'string')
  t.match(
    await speaks('min_version: TLS10', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    { protocol: 'TLSv1' },
  )
  const suite = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]'
  t.match(await speaks(suite, old), { cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
  t.type(await speaks(suite, { ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), 'string')
  t.match(await speaks(suite, {}), { protocol: 'TLSv1.3' })
  t.type(await speaks('cipher_suites: [TLS_AES_128_GCM_SHA256]', old), 'string')
  t.match(await speaks('curve_preferences: [CurveP384]', {}), { curve: 'secp384r1' })
  t.type(await speaks('curve_preferences: [CurveP384]', { ecdhCurve: 'X25519' }), 'string')
})

const serial = async (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!.serialNumber)
      socket.destroy()
    })
    socket.once('error', reject)
  })

const replace = (file: string, text: string) => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

t.test('a new certificate is used once its key matches, and not before', async t => {
  const [certFile, keyFile] = [join(folder, 'live.crt'), join(folder, 'live.key')]
  replace(certFile, server.cert)
  replace(keyFile, server.key)
  const { get, port, look, changes } = await listening(t, written('', { ...server, certFile, keyFile }))
  const before = await serial(port)
  replace(certFile, second.cert)
  t.equal(await serial(port), before, 'files are checked once a second')
  look()
  t.equal(await serial(port), before, 'the key is still the old one')
  t.equal((await get()).status, 200)
  t.match(changes, [/another certificate/])
  look()
  await get()
  t.equal(changes.length, 1, 'reported once')
  replace(keyFile, second.key)
  look()
  t.not(await serial(port), before)
  t.equal(changes[1], undefined)
})

t.test('a wrong file answers 500 over TLS until it is corrected; TLS cannot be turned off while running', async t => {
  const file = written()
  const { get, look, changes } = await listening(t, file)
  for (const [text, words] of [
    ['tls_server_config: [', /not YAML/],
    ['', /TLS off needs a restart/],
  ] as const) {
    replace(file, text)
    look()
    t.match(await get(), { status: 500, body: 'Internal Server Error\n' })
    look()
    t.equal((await get()).status, 500)
    t.match(changes.splice(0), [words])
  }
  replace(file, config())
  look()
  t.equal((await get()).status, 200)
  t.strictSame(changes, [undefined])
})

t.test('TLS cannot be turned on while running', async (t: Test) => {
  const file = join(folder, 'plain.yml')
  replace(file, '')
  const { port, look, changes } = await listening(t, file)
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
  replace(file, config())
  look()
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 500)
  t.match(changes, [/TLS on needs a restart/])
})

t.test('a stricter client_auth_type applies to the next connection', async t => {
  const file = written()
  const { get, look } = await listening(t, file)
  t.equal(await statusOf(get()), 200)
  replace(file, config(`client_auth_type: RequireAndVerifyClientCert, client_ca_file: ${ca.certFile}`))
  look()
  t.not(await statusOf(get()), 200)
  t.equal(await statusOf(get(shows(client))), 200)
  t.not(await statusOf(get(shows(forged))), 200)
})

t.test('failed handshakes are counted and leave no connection behind', async t => {
  const { port, connections, refusals } = await listening(t, written())
  for (let i = 0; i < 5; i++)
    t.type(
      await handshake(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      'string',
    )
  await until('all handshakes are counted', () => refusals.length === 5)
  await until('all connections are gone', () => connections.size === 0)
  t.strictSame(new Set(refusals), new Set(['handshake']))
})
