/**
 * settings.test.ts - settings of the push from flags, variables and OpenTelemetry's variables, and what messages show of them.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { otlpOptions } from '../../src/agent/options/otlp-options.js'
import { load } from '../../src/config/load.js'
import type { SettingName } from '../../src/config/schema.js'
import { shownUrl } from '../../src/lib/shown-url.js'
import { OTLP_DEFAULTS, type OtlpConfig } from '../../src/otlp/config.js'

const ENDPOINT = 'http://collector:4318'
const URL = `${ENDPOINT}/v1/metrics`

type Flags = Readonly<Partial<Record<SettingName, string | readonly string[]>>>

function options(flags: Flags, env: NodeJS.ProcessEnv = {}, warnings: string[] = []): OtlpConfig | undefined {
  const words = Object.entries(flags).map(([name, word]) => [name as SettingName, [word].flat()] as const)
  return otlpOptions(load(new Map(words), env).config, env, warning => warnings.push(warning))
}

/** The options, and the warnings of the variables. */
function warned(flags: Flags, env: NodeJS.ProcessEnv): [OtlpConfig | undefined, string] {
  const warnings: string[] = []
  const result = options(flags, env, warnings)
  return [result, warnings.join('\n')]
}

/** The effect of a setting from its flag, its variable and OpenTelemetry's variables. */
const SETTINGS: readonly [
  flag: SettingName,
  word: string,
  otel: readonly [string, string][],
  effect: Partial<OtlpConfig>,
][] = [
  ['otlp.protocol', 'http/protobuf', [['PROTOCOL', 'http/protobuf']], { protocol: 'http/protobuf' }],
  ['otlp.headers', 'X-A=b c', [['HEADERS', 'X-A=b%20c']], { headers: { 'X-A': 'b c' } }],
  ['otlp.timeout', '3s', [['TIMEOUT', '3000']], { timeoutMs: 3000 }],
  ['otlp.compression', 'none', [['COMPRESSION', 'none']], { compression: 'none' }],
]
const METRICS_ONLY: typeof SETTINGS = [
  [
    'otlp.temporality',
    'delta',
    [['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'Delta']],
    { temporality: 'delta' },
  ],
  [
    'otlp.temporality',
    'lowmemory',
    [['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'lowmemory']],
    { temporality: 'lowmemory' },
  ],
  [
    'otlp.histograms',
    'exponential',
    [['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', 'base2_exponential_bucket_histogram']],
    { histograms: 'exponential' },
  ],
  ['otlp.interval', '45s', [['OTEL_METRIC_EXPORT_INTERVAL', '45000']], { intervalMs: 45_000, exportTimeoutMs: 30_000 }],
  ['otlp.interval', '5s', [['OTEL_METRIC_EXPORT_INTERVAL', '5000']], { intervalMs: 5000, exportTimeoutMs: 5000 }],
  ['otlp.export-timeout', '2s', [['OTEL_METRIC_EXPORT_TIMEOUT', '2000']], { exportTimeoutMs: 2000 }],
  ['otlp.batch-points', '77', [], { batchPoints: 77 }],
]

t.test('there is no push without an endpoint, or when OpenTelemetry is switched off', async t => {
  t.equal(options({}), undefined)
  t.equal(options({ 'otlp.protocol': 'http/protobuf' }, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), undefined)
  t.equal(options({ 'otlp.endpoint': ENDPOINT }, { OTEL_SDK_DISABLED: 'TRUE' }), undefined)
  t.same(options({ 'otlp.endpoint': ENDPOINT }), { ...OTLP_DEFAULTS, url: URL })
})

t.test('the endpoint for all signals gets the metrics path; the metrics endpoint is used as it is', async t => {
  for (const text of [ENDPOINT, `${ENDPOINT}/`, URL]) t.equal(options({ 'otlp.endpoint': text })?.url, URL, text)
  t.equal(options({}, { WEIR_OTLP_ENDPOINT: ENDPOINT })?.url, URL)
  t.equal(
    options({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://p:9090/api/v1/otlp' })?.url,
    'http://p:9090/api/v1/otlp/v1/metrics',
  )
  const both = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m/x' }
  t.equal(options({}, both)?.url, 'http://m/x')
  t.equal(options({ 'otlp.endpoint': 'http://own' }, both)?.url, 'http://own/v1/metrics', "Weir's own setting wins")
})

t.test('flag, variable and OpenTelemetry variable of a setting have the same effect', async t => {
  for (const [flag, word, otel, effect] of [...SETTINGS, ...METRICS_ONLY]) {
    const base = { 'otlp.endpoint': ENDPOINT } as const
    t.match(options({ ...base, [flag]: word }), effect, flag)
    const variable = `WEIR_${flag.toUpperCase().replace(/[.-]/g, '_')}`
    t.match(options(base, { [variable]: word }), effect, variable)
    for (const [name, value] of otel) {
      const names = name.startsWith('OTEL_')
        ? [name]
        : [`OTEL_EXPORTER_OTLP_${name}`, `OTEL_EXPORTER_OTLP_METRICS_${name}`]
      for (const each of names) t.match(options(base, { [each]: value }), effect, each)
      if (names.length === 2 && flag !== 'otlp.headers') {
        t.match(
          options(base, { [names[0]!]: 'bad:value', [names[1]!]: value }),
          effect,
          'the variable for metrics wins',
        )
      }
    }
  }
})

t.test('headers of both variables are merged', async t => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'b=3' }
  t.same(options({ 'otlp.endpoint': ENDPOINT }, env)?.headers, { a: '1', b: '3' })
})

t.test('certificates must be readable files, and a client certificate needs its key', async t => {
  const pem = fileIn(t)
  const base = { 'otlp.endpoint': 'https://c' } as const
  const all = { 'otlp.certificate': pem, 'otlp.client-certificate': pem, 'otlp.client-key': pem }
  const effect = { certificate: pem, clientCertificate: pem, clientKey: pem }
  t.match(options({ ...base, ...all }), effect)
  const env = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: pem,
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE: pem,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: pem,
  }
  t.match(options(base, env), effect)
  for (const name of Object.keys(all)) {
    t.throws(
      () => options({ ...base, ...all, [name]: '/nowhere' }),
      new RegExp(`${name} '/nowhere': expected a readable PEM file`),
    )
  }
  t.throws(() => options({ ...base, 'otlp.client-key': pem }), /both client-certificate and client-key, or neither/)
})

t.test('a wrong value is refused with its name and what is allowed', async t => {
  const flags: readonly [Flags, RegExp][] = [
    [{ 'otlp.endpoint': 'collector:4318' }, /--otlp.endpoint: invalid value 'collector:4318'; allowed: an http:\/\//],
    [{ 'otlp.endpoint': 'http://u:p@c' }, /credentials in a header/],
    [{ 'otlp.protocol': 'grpc' }, /--otlp.protocol: invalid value 'grpc'; allowed: http\/json, http\/protobuf/],
    [{ 'otlp.headers': ['X A=b'] }, /--otlp.headers.*allowed/],
    [{ 'otlp.timeout': '1ms' }, /allowed: a duration from 100ms/],
    [{ 'otlp.interval': '1ms' }, /allowed: a duration from 1s/],
    [
      { 'otlp.interval': '5s', 'otlp.export-timeout': '6s' },
      /export-timeout '6000 ms': expected 1ms up to the interval, 5000 ms/,
    ],
    [{ 'otlp.export-timeout': '1ms' }, /allowed: a duration/],
    [{ 'otlp.compression': 'br' }, /allowed: none, gzip/],
    [{ 'otlp.temporality': 'both' }, /allowed: cumulative, delta, lowmemory/],
    [{ 'otlp.histograms': 'none' }, /allowed: explicit, exponential/],
    [{ 'otlp.batch-points': '0' }, /allowed: a whole number from 1/],
    [{ 'otlp.interval': '1h', 'series.ttl': '90m' }, /series.ttl of 5400000 ms: expected at most half/],
  ]
  for (const [given, words] of flags) t.throws(() => options({ 'otlp.endpoint': ENDPOINT, ...given }), words)
})

/** Values that Weir cannot use, and the warning of each. */
const UNUSABLE: readonly [string, string, RegExp][] = [
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /OTLP_PROTOCOL is ignored: 'grpc'; expected http\/json, http\/protobuf/],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '5s', /'5s'; expected milliseconds/],
  ['OTEL_METRIC_EXPORT_INTERVAL', '0', /OTEL_METRIC_EXPORT_INTERVAL is ignored: '0'; expected milliseconds/],
  ['OTEL_METRIC_EXPORT_INTERVAL', '7200000', /INTERVAL is ignored: 7200000 ms with a series.ttl of 3600000 ms/],
  ['OTEL_METRIC_EXPORT_TIMEOUT', '-1', /'-1'; expected milliseconds/],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', /expected none, gzip/],
  ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'x', /expected cumulative, delta, lowmemory/],
  ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', 'x', /expected explicit_bucket_histogram/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a', /OTEL_RESOURCE_ATTRIBUTES is ignored: pair 1: expected NAME=VALUE/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=c', /'a b' is not a header name/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b%0ac', /the value of 'a' has a line break/],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nowhere', /'\/nowhere'; expected a readable PEM file/],
  ['OTEL_EXPORTER_OTLP_CLIENT_KEY', process.execPath, /CLIENT_KEY are ignored: expected both or neither/],
]

t.test("a value of OpenTelemetry's variables that Weir cannot use is ignored with a warning", async t => {
  for (const [name, value, words] of UNUSABLE) {
    const [result, warning] = warned({ 'otlp.endpoint': ENDPOINT, 'series.ttl': '1h' }, { [name]: value })
    t.same(result, { ...OTLP_DEFAULTS, url: URL }, name)
    t.match(warning, words)
  }
  const [none, warning] = warned({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' })
  t.equal(none, undefined)
  t.match(warning, /OTEL_EXPORTER_OTLP_ENDPOINT is ignored: 'nowhere': expected a URL/)
  const timeouts = { OTEL_METRIC_EXPORT_TIMEOUT: '30000', OTEL_METRIC_EXPORT_INTERVAL: '10000' }
  t.match(options({ 'otlp.endpoint': ENDPOINT }, timeouts), { intervalMs: 10_000, exportTimeoutMs: 10_000 })
})

t.test("a variable that is overridden by Weir's setting or by the variable for metrics has no warning", async t => {
  const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }
  t.same(warned({ 'otlp.protocol': 'http/json' }, grpc), [{ ...OTLP_DEFAULTS, url: URL }, ''])
  const own = { ...grpc, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf' }
  t.same(warned({}, own), [{ ...OTLP_DEFAULTS, protocol: 'http/protobuf', url: URL }, ''])
  const wrong = { ...grpc, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc' }
  const [fallback, warning] = warned({}, wrong)
  t.equal(fallback?.protocol, 'http/json', 'an ignored variable for metrics leaves the general one')
  t.match(warning, /^OTEL_EXPORTER_OTLP_METRICS_PROTOCOL is ignored: 'grpc'/)
})

t.test(
  "variables push nothing where OTEL_METRICS_EXPORTER chooses another exporter; Weir's own endpoint does",
  async t => {
    const env = (words: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_METRICS_EXPORTER: words })
    for (const words of ['none', ' None ', 'prometheus', 'console,prometheus'])
      t.equal(options({}, env(words)), undefined, words)
    for (const words of ['', 'otlp', 'prometheus, OTLP']) t.equal(options({}, env(words))?.url, URL, words)
    const [unknown, warning] = warned({}, env('zipkin'))
    t.equal(unknown?.url, URL)
    t.equal(warning, "OTEL_METRICS_EXPORTER is ignored: 'zipkin'; expected otlp, prometheus, console, none")
    t.equal(options({ 'otlp.endpoint': ENDPOINT }, env('none'))?.url, URL)
  },
)

t.test('an endpoint keeps its query and loses its fragment when the metrics path is appended', async t => {
  for (const [given, used] of [
    ['http://c/base?tenant=x', 'http://c/base/v1/metrics?tenant=x'],
    ['http://c/v1/metrics?tenant=x', 'http://c/v1/metrics?tenant=x'],
    ['http://c/v1/metrics/?tenant=x', 'http://c/v1/metrics?tenant=x'],
    ['http://c?tenant=a/b', 'http://c/v1/metrics?tenant=a/b'],
    ['http://c/base#part', 'http://c/base/v1/metrics'],
    ['http://c/base?a=b#v1/metrics', 'http://c/base/v1/metrics?a=b'],
  ]) {
    t.equal(options({ 'otlp.endpoint': given! })?.url, used)
    t.equal(options({}, { OTEL_EXPORTER_OTLP_ENDPOINT: given! })?.url, used)
  }
})

t.test('no message contains a password or a query value of an endpoint', async t => {
  const secrets = [
    'http://me:sEcret@c:x',
    'ftp://me:sE@cret@c',
    'me:sEcret@c',
    'http://c:x/?key=sEcret&b=sEcret',
    'https:me:sEcret@c',
  ]
  for (const url of secrets) {
    const shown = shownUrl(url)
    t.match(shown, /\*\*\*/, url)
    t.notMatch(shown, /sE|cret/)
    const [, warning] = warned({}, { OTEL_EXPORTER_OTLP_ENDPOINT: url })
    t.notMatch(warning, /sE|cret/)
  }
  const messages = secrets.slice(0, 3).map(url => {
    try {
      options({ 'otlp.endpoint': url })
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  })
  t.match(messages[0], "--otlp.endpoint: invalid value 'http://***@c:x'; allowed: an http:// or https:// URL")
  for (const message of messages) t.notMatch(message, /sE|cret|accepted/)
  t.equal(shownUrl('http://collector:4318/v1/metrics'), 'http://collector:4318/v1/metrics')
})

t.test('no message contains header values', async t => {
  const secret = 'Bearer%ZZ-secret'
  const [, warning] = warned({ 'otlp.endpoint': ENDPOINT }, { OTEL_EXPORTER_OTLP_HEADERS: `Authorization=${secret}` })
  t.match(warning, /OTEL_EXPORTER_OTLP_HEADERS is ignored: pair 1.*'Authorization' is not percent-encoded/)
  t.notMatch(warning, /secret/)
})

t.test('a configuration that neither serves nor pushes is refused', async t => {
  t.throws(() => options({ web: 'false' }), /web: invalid value 'false'; nothing would be served or pushed/)
  t.equal(options({ web: 'false', 'otlp.endpoint': ENDPOINT })?.url, URL)
})

function fileIn(t: Test): string {
  const file = join(t.testdir(), 'a.pem')
  writeFileSync(file, 'pem')
  return file
}
