/**
 * config.test.ts - accepts and refuses web config files as promtool does; errors say where and why.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import t from 'tap'
import { secureOptions } from '../../src/web/tls.js'
import { parseWebConfig, readWebConfig } from '../../src/web/web-config.js'
import { authority, signed } from '../support/certificates.js'

const folder = t.testdir()
const ca = authority(folder, 'ca')
signed(folder, 'server', ca, 'DNS:localhost,IP:127.0.0.1')
signed(folder, 'other', ca, 'DNS:other')
writeFileSync(join(folder, 'empty'), '')
const HASH = hashSync('secret', 4)
const PAIR = 'cert_file: server.crt, key_file: server.key'
const tls = (more: string) => `tls_server_config: { ${PAIR}${more && `, ${more}`} }\n`

/** `promtool`: its verdict where it differs from ours, and the reason. */
type Case = readonly [file: string, good: boolean, promtool?: { good: boolean; why: string }]
const NEWER = { good: false, why: 'Debian has promtool 2.42 with exporter-toolkit 0.8, which lacks this key' }
const SAFER = (why: string) => ({ good: true, why })

const CASES: readonly Case[] = [
  ['', true],
  ['{}', true],
  ['# nothing\n', true],
  ['tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n', true],
  [tls(''), true],
  [tls('client_auth_type: NoClientCert'), true],
  [tls('client_auth_type: RequestClientCert'), true],
  [tls('client_auth_type: RequireAnyClientCert'), true],
  [tls('client_auth_type: RequireClientCert'), true],
  [tls('client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt'), true],
  [tls('client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt'), true],
  [tls('client_auth_type: Sometimes'), false],
  [tls('client_ca_file: ca.crt'), false],
  [tls('client_ca_file: ca.crt, client_auth_type: NoClientCert'), false],
  [tls('client_ca_file: absent.crt, client_auth_type: RequireAndVerifyClientCert'), false],
  [
    tls('client_ca_file: empty, client_auth_type: RequireAndVerifyClientCert'),
    false,
    SAFER('without an authority no client could connect'),
  ],
  [tls('min_version: TLS13'), true],
  [tls('min_version: TLS10, max_version: TLS12'), true],
  [tls('min_version: TLS11, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]'), true],
  [tls('min_version: TLS14'), false],
  [tls('min_version: "1.2"'), false],
  [tls('min_version: TLS13, max_version: TLS12'), false, SAFER('every handshake would fail')],
  [tls('cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]'), true],
  [tls('cipher_suites: [TLS_AES_128_GCM_SHA256]'), true],
  [tls('cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]'), true],
  [tls('cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]'), false],
  [tls('cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]'), false],
  [tls('prefer_server_cipher_suites: false'), true],
  [tls('prefer_server_cipher_suites: no'), true],
  [tls('prefer_server_cipher_suites: maybe'), false],
  [tls('curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]'), true],
  [tls('curve_preferences: [P-256]'), false],
  [tls('ciphers: []'), false],
  ['tls_server_config: { cert_file: server.crt }', false],
  ['tls_server_config: { key_file: server.key }', false],
  ['tls_server_config: { client_auth_type: RequestClientCert }', false],
  ['tls_server_config: { cert_file: absent.crt, key_file: server.key }', false],
  ['tls_server_config: { cert_file: server.crt, key_file: absent.key }', false],
  ['tls_server_config: { cert_file: server.crt, key_file: other.key }', false],
  ['tls_server_config: { cert_file: empty, key_file: server.key }', false],
  [`tls_server_config: { cert_file: ${join(folder, 'server.crt')}, key_file: ./server.key }`, true],
  ['http_server_config: { http2: true }', true],
  ['http_server_config: { http2: false }', true],
  ['http_server_config: { http2: 2 }', false],
  ['http_server_config: { http3: true }', false],
  ['http_server_config: { headers: { X-Frame-Options: deny, X-Content-Type-Options: nosniff } }', true],
  ['http_server_config: { headers: { X-Frame-Options: sameorigin, X-XSS-Protection: "1; mode=block" } }', true],
  [
    "http_server_config: { headers: { Content-Security-Policy: default-src 'self', Strict-Transport-Security: '' } }",
    true,
  ],
  ['http_server_config: { headers: { X-Frame-Options: allow } }', false],
  ['http_server_config: { headers: { X-Content-Type-Options: "" } }', false],
  ['http_server_config: { headers: { x-frame-options: deny } }', false],
  ['http_server_config: { headers: { Server: weir } }', false],
  [
    'http_server_config: { headers: { X-XSS-Protection: "1\\nSet-Cookie: a" } }',
    false,
    SAFER('the toolkit replaces a line break; node:http would refuse it at each request'),
  ],
  [`basic_auth_users: { alice: "${HASH}", "": "${HASH}", 1234: "${HASH}" }`, true],
  ['basic_auth_users: {}', true],
  ['basic_auth_users: { alice: secret }', false],
  ['basic_auth_users: { alice: "" }', false],
  [`basic_auth_users: { alice: "${HASH.slice(0, -3)}" }`, false],
  [`basic_auth_users: { alice: "${HASH.replace('$04$', '$03$')}" }`, false],
  [`basic_auth_users: [alice]`, false],
  [`basic_auth_users: { alice: "${HASH}", alice: "${HASH}" }`, false],
  ['tls_server: {}', false],
  ['tls_server_config: [', false],
  ['tls_server_config: text', false],
  ['- a', false],
  ['rate_limit: { interval: 100ms, burst: 20 }', true, NEWER],
  ['rate_limit: { interval: 1h1m1.5s, burst: 1 }', true, NEWER],
  ['rate_limit: { interval: 0, burst: 0 }', true, NEWER],
  ['rate_limit: { interval: soon, burst: 20 }', false],
  ['rate_limit: { interval: 5, burst: 20 }', false],
  ['rate_limit: { interval: 1s, burst: -1 }', false],
  ['rate_limit: { interval: 1s, burst: 0 }', false],
  ['rate_limit: { interval: 1s, burst: 1, per: client }', false],
  [tls('client_auth_type: RequireAnyClientCert, client_allowed_sans: [a.example]'), true, NEWER],
  [tls('client_auth_type: RequestClientCert, client_allowed_sans: [a.example]'), false],
  [`tls_server_config:\n  cert: |\n${indent(ca.cert)}\n  key: |\n${indent(ca.key)}\n`, true, NEWER],
]

function indent(text: string): string {
  return text.trim().replace(/^/gm, '    ')
}

/** The error, or undefined when Weir accepts the file. */
function weir(file: string): string | undefined {
  try {
    const { tls } = readWebConfig(file)
    if (tls !== undefined) secureOptions(tls)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const NO_PROMTOOL = spawnSync('promtool', ['--version']).error && 'needs promtool'

t.test('promtool and Weir agree on every file, with listed exceptions', { skip: NO_PROMTOOL ?? false }, async t => {
  for (const [i, [content, good, other]] of CASES.entries()) {
    const file = join(folder, `case-${i}.yml`)
    writeFileSync(file, content)
    const name = content.trim() || '(empty)'
    t.equal(weir(file) === undefined, good, `${name}: ${good ? weir(file) : 'is refused'}`)
    const { status, stderr } = spawnSync('promtool', ['check', 'web-config', file], { encoding: 'utf8' })
    t.equal(status === 0, other?.good ?? good, `promtool on ${name}: ${other?.why ?? stderr}`)
  }
})

t.test('an error names file, line, key, value and what is allowed, and no secret', async t => {
  const refusals = [
    [
      'a:\n',
      /^f\.yml:1: a: unknown key; allowed: tls_server_config, http_server_config, basic_auth_users, rate_limit$/,
    ],
    [
      'http_server_config:\n  headers:\n    X-Frame-Options: allow\n',
      /^f\.yml:3: http_server_config\.headers\.X-Frame-Options: "allow"; allowed: deny, sameorigin$/,
    ],
    [
      'tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS9\n',
      /^f\.yml:4: tls_server_config\.min_version: "TLS9"; allowed: TLS10, TLS11, TLS12, TLS13$/,
    ],
    [
      'basic_auth_users:\n  alice: plain-secret\n',
      /^f\.yml:2: basic_auth_users\.alice: a wrong value; allowed: a bcrypt/,
    ],
    ['tls_server_config: {\n', /^f\.yml:\d: not YAML: /],
    ['tls_server_config:\n  cert_file: a\n', /^f\.yml:\d: tls_server_config: missing one of key or key_file$/],
    ['rate_limit: { interval: 1s }', /^f\.yml:1: rate_limit\.burst: 0; allowed: 1 or more with an interval$/],
  ] as const
  for (const [content, words] of refusals) t.throws(() => parseWebConfig(content, 'f.yml'), { message: words }, content)
  t.throws(() => readWebConfig(join(folder, 'absent.yml')), {
    message: /^web config file .*absent\.yml: no such file$/,
  })
  t.throws(() => readWebConfig(folder), { message: /is a directory$/ })
})

t.test('relative paths start in the folder of the file', async t => {
  mkdirSync(join(folder, 'sub'))
  const { tls } = parseWebConfig(
    `tls_server_config: { cert_file: ../server.crt, key_file: /etc/k }`,
    join(folder, 'sub/f'),
  )
  t.match(tls, { cert_file: join(folder, 'server.crt'), key_file: '/etc/k' })
})

t.test('values are parsed as the toolkit parses them', async t => {
  const config = parseWebConfig(
    `basic_auth_users: { yes: "${HASH}", 007: "${HASH}" }\nrate_limit: { interval: 1m0.5s, burst: 3 }`,
    'f.yml',
  )
  t.strictSame([...config.users.keys()], ['yes', '007'])
  t.strictSame(config.rateLimit, { intervalMs: 60_500, burst: 3 })
  t.equal(config.tls, undefined)
})

t.test(
  'a password hash that takes more than a few seconds to compare is refused, and the error does not show it',
  async t => {
    const file = (cost: number) => `basic_auth_users: { anna: ${HASH.replace('$04$', `$${cost}$`)} }\n`
    t.doesNotThrow(() => parseWebConfig(file(14), 'f.yml'))
    for (const cost of [15, 31]) {
      t.throws(() => parseWebConfig(file(cost), 'f.yml'), {
        message:
          'f.yml:1: basic_auth_users.anna: a wrong value; allowed: a bcrypt hash of cost 4 to 14, as htpasswd -nBC 10 prints',
      })
    }
  },
)
