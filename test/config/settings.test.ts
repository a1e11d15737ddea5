/**
 * settings.test.ts - each setting: as a flag, a variable and a key it reaches the part that it is for, and a bad value
 * of each is refused in all three ways.
 *
 * What the parts do with it is in their own tests; config-effects.test.ts looks at a real process from outside.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { runOptions } from '../../src/agent/options/options.js'
import type { RunOptions } from '../../src/agent/run.js'
import { load } from '../../src/config/load.js'
import { InvalidConfig } from '../../src/config/problem.js'
import { type Config, NAMES, SETTINGS, type SettingName } from '../../src/config/schema.js'
import { keyOf, type Setting, variableOf } from '../../src/config/setting.js'

interface Row {
  /** As a flag is given, once for each. */
  readonly words: readonly string[]
  /** What the part is told. */
  readonly of: (options: RunOptions, config: Config) => unknown
  readonly is: unknown
  readonly bad: string
  readonly allowed: RegExp
  /** Settings that it means nothing without. */
  readonly beside?: Readonly<Partial<Record<SettingName, string>>>
}

const FAMILY = 'weir_flow_bytes_total'
const PUSH = { 'otlp.endpoint': 'http://127.0.0.1:4318' }
const CLUSTER = { kubernetes: 'true' }
const FILE = /allowed: the path of a file/
const DURATION = /allowed: a duration from/
const SWITCH = /allowed: true, false/

/** A setting without a row does not compile, and fails below. */
const ROWS: Readonly<Record<SettingName, Row>> = {
  'config.file': {
    words: ['@file'],
    of: (_, config) => config['config.file'] !== undefined,
    is: true,
    bad: '/nowhere/weir.yaml',
    allowed: /no such file/,
  },
  source: {
    words: ['replay:a.pcap'],
    of: options => options.source,
    is: { kind: 'replay', file: 'a.pcap' },
    bad: 'file',
    allowed: /allowed: live, or replay:FILE/,
  },
  interfaces: {
    words: ['lxc*', 'veth[0-9]'],
    of: o => o.interfaces,
    is: ['lxc*', 'veth[0-9]'],
    bad: '[x',
    allowed: /\[ without its \]/,
  },
  uplinks: {
    words: ['eth0', 'bond?'],
    of: o => o.uplinks,
    is: ['eth0', 'bond?'],
    bad: '[z-a]',
    allowed: /z-a, which is empty/,
  },
  netns: { words: ['/proc/1/ns/net'], of: o => o.netns, is: '/proc/1/ns/net', bad: '\0', allowed: FILE },
  attach: { words: ['tc'], of: o => o.attach, is: 'tc', bad: 'glue', allowed: /allowed: auto, tcx, tc/ },
  'report-interval': { words: ['7s'], of: o => o.reportIntervalMs, is: 7000, bad: '7', allowed: DURATION },
  'drain-interval': { words: ['20ms'], of: o => o.drainIntervalMs, is: 20, bad: '1ms', allowed: DURATION },
  'ring-pages': { words: ['128'], of: o => o.ringPages, is: 128, bad: '3', allowed: /power of two from 1 to 4096/ },
  connections: { words: ['1000'], of: o => o.connections, is: 1000, bad: '0', allowed: /from 1 to 16777216/ },
  inventory: { words: ['inventory.yaml'], of: o => o.inventory, is: 'inventory.yaml', bad: '\0', allowed: FILE },
  'cidr-group': {
    words: ['office=192.0.2.0/24,2001:db8::/32', 'lab=198.51.100.7/32'],
    of: o => o.cidrGroups,
    is: { office: ['192.0.2.0/24', '2001:db8::/32'], lab: ['198.51.100.7/32'] },
    bad: 'office=192.0.2.0',
    allowed: /ADDRESS\/BITS/,
  },
  'entity-wait': { words: ['700ms'], of: o => o.entityWaitMs, is: 700, bad: '2m', allowed: DURATION },
  'entity-ttl': { words: ['3m'], of: o => o.entityTtlMs, is: 180_000, bad: '0s', allowed: DURATION },
  identities: { words: ['2048'], of: o => o.identities, is: 2048, bad: '1000', allowed: /whole number from 1024/ },
  kubernetes: { words: ['true'], of: o => o.kubernetes !== undefined, is: true, bad: 'perhaps', allowed: SWITCH },
  'kubernetes.kubeconfig': {
    words: ['k'],
    of: o => o.kubernetes?.kubeconfig,
    is: 'k',
    bad: '\0',
    allowed: FILE,
    beside: CLUSTER,
  },
  'kubernetes.context': {
    words: ['c'],
    of: o => o.kubernetes?.context,
    is: 'c',
    bad: '@empty',
    allowed: /name of a context/,
    beside: CLUSTER,
  },
  'kubernetes.node-name': {
    words: ['n-1'],
    of: o => o.kubernetes?.nodeName,
    is: 'n-1',
    bad: 'N 1',
    allowed: /name of a node/,
    beside: CLUSTER,
  },
  'kubernetes.cilium': {
    words: ['never'],
    of: o => o.kubernetes?.cilium,
    is: 'never',
    bad: 'yes',
    allowed: /auto, always, never/,
    beside: CLUSTER,
  },
  'kubernetes.require-sync': {
    words: ['false'],
    of: o => o.kubernetes?.requireSync,
    is: false,
    bad: 'no',
    allowed: SWITCH,
    beside: CLUSTER,
  },
  'hubble-metrics': {
    words: ['drop tcp'],
    of: options => options.hubbleMetrics?.map(({ name }) => name),
    is: ['drop', 'tcp'],
    bad: 'dorp',
    allowed: /unknown metric "dorp"; allowed: /,
  },
  'hubble-dynamic-metrics-config-path': {
    words: ['@hubble'],
    of: options => options.hubbleFile?.metrics.map(({ name }) => name),
    is: ['tcp'],
    bad: '\0',
    allowed: FILE,
  },
  'hubble.listen-address': {
    words: ['unix:///x.sock', ':4244'],
    of: options => options.apiAddresses,
    is: ['unix:///x.sock', ':4244'],
    bad: 'tls://x:1',
    allowed: /allowed: unix:\/\/\/PATH/,
  },
  'flow-buffer': { words: ['1023'], of: o => o.flowBuffer, is: 1023, bad: '1024', allowed: /power of two minus one/ },
  web: { words: ['false'], of: o => o.web, is: false, bad: 'off', allowed: SWITCH, beside: PUSH },
  'web.listen-address': {
    words: [':1', '[::1]:2'],
    of: o => o.listenAddresses,
    is: [':1', '[::1]:2'],
    bad: 'nowhere',
    allowed: /HOST:PORT/,
  },
  'web.telemetry-path': {
    words: ['/m'],
    of: o => o.telemetryPath,
    is: '/m',
    bad: '/-/m',
    allowed: /a path like \/metrics/,
  },
  'web.config.file': { words: ['web.yaml'], of: o => o.webFile, is: 'web.yaml', bad: '\0', allowed: FILE },
  'web.enable-lifecycle': { words: ['true'], of: o => o.lifecycle, is: true, bad: '1', allowed: SWITCH },
  'web.max-requests': { words: ['7'], of: o => o.maxRequests, is: 7, bad: '-1', allowed: /whole number from 0/ },
  'web.disable-exporter-metrics': { words: ['true'], of: o => o.exporterMetrics, is: false, bad: 'x', allowed: SWITCH },
  'openmetrics.created': { words: ['false'], of: o => o.created, is: false, bad: 'x', allowed: SWITCH },
  'series.budget': { words: ['50'], of: o => o.metrics.budget, is: 50, bad: 'many', allowed: /whole number from 0/ },
  'series.budgets': {
    words: [`${FAMILY}=9`, 'hubble_drop_total=8'],
    of: options => options.metrics.budgets,
    is: { [FAMILY]: 9, hubble_drop_total: 8 },
    bad: 'weir_flow_byte_total=9',
    allowed: /names of families, like weir_flow_bytes_total/,
  },
  'series.ttl': { words: ['90m'], of: o => o.metrics.ttlMs, is: 5_400_000, bad: '1ms', allowed: /or 0s for never/ },
  'namespaces.include': {
    words: ['shop', 'a-*'],
    of: o => o.metrics.includeNamespaces,
    is: ['shop', 'a-*'],
    bad: 'a b',
    allowed: /space/,
  },
  'namespaces.exclude': {
    words: ['kube-*'],
    of: o => o.metrics.excludeNamespaces,
    is: ['kube-*'],
    bad: 'a/b',
    allowed: /slash/,
  },
  families: {
    words: [`{"${FAMILY}":{"enabled":false}}`],
    of: options => options.metrics.families,
    is: { [FAMILY]: { enabled: false } },
    bad: '{"weir_flow_bytes_total":{"labels":["shoe"]}}',
    allowed: /label 'shoe': allowed are .*source_pod/,
  },
  exemplars: { words: ['true'], of: o => o.metrics.exemplars, is: true, bad: 'x', allowed: SWITCH },
  'otlp.endpoint': {
    words: ['https://c:1'],
    of: o => o.otlp?.url,
    is: 'https://c:1/v1/metrics',
    bad: 'c:1',
    allowed: /http:\/\/ or https/,
  },
  'otlp.protocol': {
    words: ['http/protobuf'],
    of: o => o.otlp?.protocol,
    is: 'http/protobuf',
    bad: 'grpc',
    allowed: /http\/json/,
    beside: PUSH,
  },
  'otlp.headers': {
    words: ['a=b', 'c=d=e'],
    of: o => o.otlp?.headers,
    is: { a: 'b', c: 'd=e' },
    bad: 'secret',
    allowed: /NAME=VALUE/,
    beside: PUSH,
  },
  'otlp.timeout': { words: ['2s'], of: o => o.otlp?.timeoutMs, is: 2000, bad: '2', allowed: DURATION, beside: PUSH },
  'otlp.interval': {
    words: ['15s'],
    of: o => o.otlp?.intervalMs,
    is: 15_000,
    bad: '1ms',
    allowed: DURATION,
    beside: PUSH,
  },
  'otlp.export-timeout': {
    words: ['20s'],
    of: o => o.otlp?.exportTimeoutMs,
    is: 20_000,
    bad: '1',
    allowed: DURATION,
    beside: PUSH,
  },
  'otlp.compression': {
    words: ['none'],
    of: o => o.otlp?.compression,
    is: 'none',
    bad: 'zip',
    allowed: /none, gzip/,
    beside: PUSH,
  },
  'otlp.temporality': {
    words: ['delta'],
    of: o => o.otlp?.temporality,
    is: 'delta',
    bad: 'x',
    allowed: /cumulative, delta/,
    beside: PUSH,
  },
  'otlp.histograms': {
    words: ['exponential'],
    of: o => o.otlp?.histograms,
    is: 'exponential',
    bad: 'x',
    allowed: /explicit, expo/,
    beside: PUSH,
  },
  'otlp.certificate': {
    words: ['@pem'],
    of: o => typeof o.otlp?.certificate,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    beside: PUSH,
  },
  'otlp.client-certificate': {
    words: ['@pem'],
    of: options => typeof options.otlp?.clientCertificate,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    beside: { 'otlp.endpoint': 'https://c:1', 'otlp.client-key': '@pem' },
  },
  'otlp.client-key': {
    words: ['@pem'],
    of: options => typeof options.otlp?.clientKey,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    beside: { 'otlp.endpoint': 'https://c:1', 'otlp.client-certificate': '@pem' },
  },
  'otlp.batch-points': {
    words: ['10'],
    of: o => o.otlp?.batchPoints,
    is: 10,
    bad: '0',
    allowed: /whole number from 1/,
    beside: PUSH,
  },
  'log.level': {
    words: ['warn'],
    of: (_, config) => config['log.level'],
    is: 'warn',
    bad: 'loud',
    allowed: /debug, info, warn, error/,
  },
  'log.format': {
    words: ['json'],
    of: (_, config) => config['log.format'],
    is: 'json',
    bad: 'xml',
    allowed: /logfmt, json/,
  },
}

const DIR = t.testdir({ 'hubble.yaml': 'metrics:\n  - name: tcp\n', 'some.pem': '', 'some.yaml': '# nothing\n' })
const FILES: Readonly<Record<string, string>> = {
  '@file': join(DIR, 'some.yaml'),
  '@hubble': join(DIR, 'hubble.yaml'),
  '@pem': join(DIR, 'some.pem'),
  '@empty': '',
}
const settingOf = (name: SettingName): Setting<unknown> => SETTINGS[name]
const real = (word: string): string => FILES[word] ?? word

type Given = readonly (readonly [SettingName, readonly string[]])[]

function given(name: SettingName, words: readonly string[], beside: Row['beside'] = {}): Given {
  const others = Object.entries(beside) as [SettingName, string][]
  return [[name, words.map(real)], ...others.map(([other, word]) => [other, [real(word)]] as const)]
}

/** As flags, as variables and as a file. */
const WAYS: Readonly<Record<string, (all: Given) => Config>> = {
  flags: all => load(new Map(all), {}).config,
  environment: all =>
    load(new Map(), Object.fromEntries(all.map(([name, words]) => [variableOf(name), variable(name, words)]))).config,
  file(all) {
    const path = join(DIR, 'weir.yaml')
    writeFileSync(path, yaml(all))
    return load(new Map([['config.file', [path]]]), {}).config
  },
}

function variable(name: SettingName, words: readonly string[]): string {
  return words.join(settingOf(name).kind.placeholder?.includes('=') ? ';' : ',')
}

function yaml(all: Given): string {
  const top: Record<string, unknown> = {}
  for (const [name, words] of all) {
    const parts = keyOf(name, settingOf(name))!.split('.')
    const last = parts.pop()!
    let at = top
    for (const part of parts) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    at[last] = settingOf(name).kind.fromFlag(words)
  }
  return stringify(top)
}

/** The file cannot name another, and no flag or variable holds a zero byte or, as a variable, nothing. */
function waysOf(name: SettingName): string[] {
  return Object.keys(WAYS).filter(way => way !== 'file' || keyOf(name, settingOf(name)) !== undefined)
}

t.test('each setting has a row', async t => {
  t.strictSame(Object.keys(ROWS).sort(), [...NAMES].sort())
})

for (const [key, row] of Object.entries(ROWS)) {
  const name = key as SettingName
  t.test(
    `${name} reaches its part from a flag, a variable and the file, and is refused in each when it is bad`,
    async t => {
      const { words, of, is, bad, allowed, beside } = row
      t.notSame(of(runOptions(load(new Map(), {}).config), load(new Map(), {}).config), is, 'not the default')
      for (const way of waysOf(name)) {
        const config = WAYS[way]!(given(name, words, beside))
        t.strictSame(of(runOptions(config), config), is, way)
        if (way === 'environment' && bad === '@empty') continue // an empty variable is none
        try {
          WAYS[way]!(given(name, [bad], beside))
          t.fail(`${bad} is taken: ${way}`)
        } catch (error) {
          t.type(error, InvalidConfig)
          t.match((error as Error).message, allowed, way)
          const { problems } = error as InvalidConfig
          t.equal(problems.length, 1)
          if (settingOf(name).secret) t.notMatch((error as Error).message, bad, 'a secret is not told')
        }
      }
    },
  )
}
