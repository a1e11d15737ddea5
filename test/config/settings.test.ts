/**
 * settings.test.ts - each setting reaches its consumer from a flag, a variable and a file key, and an invalid value is an
 * error in all three layers.
 *
 * What the consumers do with a value is in their own tests; test/live/config-effects.test.ts observes a real process.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { runOptions } from '../../src/agent/options/config-options.js'
import type { RunOptions } from '../../src/agent/options/run-options.js'
import { load } from '../../src/config/load.js'
import { InvalidConfig } from '../../src/config/problem.js'
import { type Config, NAMES, SETTINGS, type SettingName } from '../../src/config/schema.js'
import { keyOf, type Setting, variableOf } from '../../src/config/setting.js'

interface Case {
  /** Flag values, one per occurrence. */
  readonly values: readonly string[]
  /** The option the consumer receives. */
  readonly of: (options: RunOptions, config: Config) => unknown
  readonly is: unknown
  readonly bad: string
  readonly allowed: RegExp
  /** Settings that must also be given for it to have an effect. */
  readonly requires?: Readonly<Partial<Record<SettingName, string>>>
}

const FAMILY = 'weir_flow_bytes_total'
const PUSH = { 'otlp.endpoint': 'http://127.0.0.1:4318' }
const CLUSTER = { kubernetes: 'true' }
const FILE = /allowed: the path of a file/
const DURATION = /allowed: a duration from/
const SWITCH = /allowed: true, false/

/** Record<SettingName, ...> makes a setting without a case a compile error. */
const CASES: Readonly<Record<SettingName, Case>> = {
  'config.file': {
    values: ['@file'],
    of: (_, config) => config['config.file'] !== undefined,
    is: true,
    bad: '/nowhere/weir.yaml',
    allowed: /no such file/,
  },
  source: {
    values: ['replay:a.pcap'],
    of: options => options.source,
    is: { kind: 'replay', file: 'a.pcap' },
    bad: 'file',
    allowed: /allowed: live, or replay:FILE/,
  },
  interfaces: {
    values: ['lxc*', 'veth[0-9]'],
    of: o => o.interfaces,
    is: ['lxc*', 'veth[0-9]'],
    bad: '[x',
    allowed: /\[ without its \]/,
  },
  uplinks: {
    values: ['eth0', 'bond?'],
    of: o => o.uplinks,
    is: ['eth0', 'bond?'],
    bad: '[z-a]',
    allowed: /z-a, which is empty/,
  },
  netns: { values: ['/proc/1/ns/net'], of: o => o.netns, is: '/proc/1/ns/net', bad: '\0', allowed: FILE },
  unmanaged: { values: ['ignore'], of: o => o.unmanaged, is: 'ignore', bad: 'drop', allowed: /allowed: count, ignore/ },
  'on-bypass': {
    values: ['warn'],
    of: o => o.onBypass,
    is: 'warn',
    bad: 'ignore',
    allowed: /allowed: not-ready, warn/,
  },
  'pod-end': {
    values: ['always'],
    of: o => o.podEnd,
    is: 'always',
    bad: 'no',
    allowed: /allowed: auto, always, never/,
  },
  attach: { values: ['tc'], of: o => o.attach, is: 'tc', bad: 'glue', allowed: /allowed: auto, tcx, tc/ },
  'report-interval': { values: ['7s'], of: o => o.reportIntervalMs, is: 7000, bad: '7', allowed: DURATION },
  'drain-interval': { values: ['20ms'], of: o => o.drainIntervalMs, is: 20, bad: '1ms', allowed: DURATION },
  ring: { values: ['ringbuf'], of: o => o.ring, is: 'ringbuf', bad: 'bell', allowed: /allowed: auto, perf, ringbuf/ },
  'ring-pages': { values: ['128'], of: o => o.ringPages, is: 128, bad: '3', allowed: /power of two from 1 to 4096/ },
  connections: { values: ['1000'], of: o => o.connections, is: 1000, bad: '0', allowed: /from 1 to 16777216/ },
  'capture-bytes': {
    values: ['64'],
    of: o => o.captureBytes,
    is: 64,
    bad: '129',
    allowed: /a whole number from 0 to 128/,
  },
  'drop-kinds': { values: ['100'], of: o => o.dropKinds, is: 100, bad: '8', allowed: /from 64 to 65536/ },
  inventory: { values: ['inventory.yaml'], of: o => o.inventoryFile, is: 'inventory.yaml', bad: '\0', allowed: FILE },
  'cidr-group': {
    values: ['office=192.0.2.0/24,2001:db8::/32', 'lab=198.51.100.7/32'],
    of: o => o.cidrGroups,
    is: { office: ['192.0.2.0/24', '2001:db8::/32'], lab: ['198.51.100.7/32'] },
    bad: 'office=192.0.2.0',
    allowed: /ADDRESS\/BITS/,
  },
  'entity-wait': { values: ['700ms'], of: o => o.entityWaitMs, is: 700, bad: '2m', allowed: DURATION },
  'entity-ttl': { values: ['3m'], of: o => o.entityTtlMs, is: 180_000, bad: '0s', allowed: DURATION },
  identities: { values: ['2048'], of: o => o.identities, is: 2048, bad: '1000', allowed: /whole number from 1024/ },
  kubernetes: { values: ['true'], of: o => o.kubernetes !== undefined, is: true, bad: 'perhaps', allowed: SWITCH },
  'kubernetes.kubeconfig': {
    values: ['k'],
    of: o => o.kubernetes?.kubeconfig,
    is: 'k',
    bad: '\0',
    allowed: FILE,
    requires: CLUSTER,
  },
  'kubernetes.context': {
    values: ['c'],
    of: o => o.kubernetes?.context,
    is: 'c',
    bad: '@empty',
    allowed: /name of a kubeconfig context/,
    requires: CLUSTER,
  },
  'kubernetes.node-name': {
    values: ['n-1'],
    of: o => o.kubernetes?.nodeName,
    is: 'n-1',
    bad: 'N 1',
    allowed: /name of a node/,
    requires: CLUSTER,
  },
  'kubernetes.cilium': {
    values: ['never'],
    of: o => o.kubernetes?.cilium,
    is: 'never',
    bad: 'yes',
    allowed: /auto, always, never/,
    requires: CLUSTER,
  },
  'kubernetes.require-sync': {
    values: ['false'],
    of: o => o.kubernetes?.requireSync,
    is: false,
    bad: 'no',
    allowed: SWITCH,
    requires: CLUSTER,
  },
  'hubble-metrics': {
    values: ['drop tcp'],
    of: options => options.hubbleMetrics?.map(({ name }) => name),
    is: ['drop', 'tcp'],
    bad: 'dorp',
    allowed: /unknown metric "dorp"; allowed: /,
  },
  'hubble-dynamic-metrics-config-path': {
    values: ['@hubble'],
    of: options => options.hubbleFile?.metrics.map(({ name }) => name),
    is: ['tcp'],
    bad: '\0',
    allowed: FILE,
  },
  'hubble.listen-address': {
    values: ['unix:///x.sock', ':4244'],
    of: options => options.apiAddresses,
    is: ['unix:///x.sock', ':4244'],
    bad: 'tls://x:1',
    allowed: /allowed: unix:\/\/\/PATH/,
  },
  'flow-buffer': { values: ['1023'], of: o => o.flowBuffer, is: 1023, bad: '1024', allowed: /power of two minus one/ },
  web: { values: ['false'], of: o => o.web, is: false, bad: 'off', allowed: SWITCH, requires: PUSH },
  'web.listen-address': {
    values: [':1', '[::1]:2'],
    of: o => o.listenAddresses,
    is: [':1', '[::1]:2'],
    bad: 'nowhere',
    allowed: /HOST:PORT/,
  },
  'web.telemetry-path': {
    values: ['/m'],
    of: o => o.telemetryPath,
    is: '/m',
    bad: '/-/m',
    allowed: /a path like \/metrics/,
  },
  'web.config.file': { values: ['web.yaml'], of: o => o.webFile, is: 'web.yaml', bad: '\0', allowed: FILE },
  'web.enable-lifecycle': { values: ['true'], of: o => o.lifecycle, is: true, bad: '1', allowed: SWITCH },
  'web.max-requests': { values: ['7'], of: o => o.maxRequests, is: 7, bad: '-1', allowed: /whole number from 0/ },
  'web.disable-exporter-metrics': {
    values: ['true'],
    of: o => o.exporterMetrics,
    is: false,
    bad: 'x',
    allowed: SWITCH,
  },
  'openmetrics.created': { values: ['false'], of: o => o.created, is: false, bad: 'x', allowed: SWITCH },
  'series.budget': { values: ['50'], of: o => o.metrics.budget, is: 50, bad: 'many', allowed: /whole number from 0/ },
  'series.budgets': {
    values: [`${FAMILY}=9`, 'hubble_drop_total=8'],
    of: options => options.metrics.budgets,
    is: { [FAMILY]: 9, hubble_drop_total: 8 },
    bad: 'weir_flow_byte_total=9',
    allowed: /family names, like weir_flow_bytes_total/,
  },
  'series.ttl': { values: ['90m'], of: o => o.metrics.ttlMs, is: 5_400_000, bad: '1ms', allowed: /or 0s for never/ },
  'namespaces.include': {
    values: ['shop', 'a-*'],
    of: o => o.metrics.includeNamespaces,
    is: ['shop', 'a-*'],
    bad: 'a b',
    allowed: /space/,
  },
  'namespaces.exclude': {
    values: ['kube-*'],
    of: o => o.metrics.excludeNamespaces,
    is: ['kube-*'],
    bad: 'a/b',
    allowed: /slash/,
  },
  families: {
    values: [`{"${FAMILY}":{"enabled":false}}`],
    of: options => options.metrics.families,
    is: { [FAMILY]: { enabled: false } },
    bad: '{"weir_flow_bytes_total":{"labels":["shoe"]}}',
    allowed: /label 'shoe': expected one of .*source_pod/,
  },
  exemplars: { values: ['true'], of: o => o.metrics.exemplars, is: true, bad: 'x', allowed: SWITCH },
  'otlp.endpoint': {
    values: ['https://c:1'],
    of: o => o.otlp?.url,
    is: 'https://c:1/v1/metrics',
    bad: 'c:1',
    allowed: /http:\/\/ or https/,
  },
  'otlp.protocol': {
    values: ['http/protobuf'],
    of: o => o.otlp?.protocol,
    is: 'http/protobuf',
    bad: 'grpc',
    allowed: /http\/json/,
    requires: PUSH,
  },
  'otlp.headers': {
    values: ['a=b', 'c=d=e'],
    of: o => o.otlp?.headers,
    is: { a: 'b', c: 'd=e' },
    bad: 'secret',
    allowed: /NAME=VALUE/,
    requires: PUSH,
  },
  'otlp.timeout': { values: ['2s'], of: o => o.otlp?.timeoutMs, is: 2000, bad: '2', allowed: DURATION, requires: PUSH },
  'otlp.interval': {
    values: ['15s'],
    of: o => o.otlp?.intervalMs,
    is: 15_000,
    bad: '1ms',
    allowed: DURATION,
    requires: PUSH,
  },
  'otlp.export-timeout': {
    values: ['20s'],
    of: o => o.otlp?.exportTimeoutMs,
    is: 20_000,
    bad: '1',
    allowed: DURATION,
    requires: PUSH,
  },
  'otlp.compression': {
    values: ['none'],
    of: o => o.otlp?.compression,
    is: 'none',
    bad: 'zip',
    allowed: /none, gzip/,
    requires: PUSH,
  },
  'otlp.temporality': {
    values: ['delta'],
    of: o => o.otlp?.temporality,
    is: 'delta',
    bad: 'x',
    allowed: /cumulative, delta/,
    requires: PUSH,
  },
  'otlp.histograms': {
    values: ['exponential'],
    of: o => o.otlp?.histograms,
    is: 'exponential',
    bad: 'x',
    allowed: /explicit, expo/,
    requires: PUSH,
  },
  'otlp.certificate': {
    values: ['@pem'],
    of: o => typeof o.otlp?.certificate,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    requires: PUSH,
  },
  'otlp.client-certificate': {
    values: ['@pem'],
    of: options => typeof options.otlp?.clientCertificate,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    requires: { 'otlp.endpoint': 'https://c:1', 'otlp.client-key': '@pem' },
  },
  'otlp.client-key': {
    values: ['@pem'],
    of: options => typeof options.otlp?.clientKey,
    is: 'string',
    bad: '\0',
    allowed: FILE,
    requires: { 'otlp.endpoint': 'https://c:1', 'otlp.client-certificate': '@pem' },
  },
  'otlp.batch-points': {
    values: ['10'],
    of: o => o.otlp?.batchPoints,
    is: 10,
    bad: '0',
    allowed: /whole number from 1/,
    requires: PUSH,
  },
  'log.level': {
    values: ['warn'],
    of: (_, config) => config['log.level'],
    is: 'warn',
    bad: 'loud',
    allowed: /debug, info, warn, error/,
  },
  'log.format': {
    values: ['json'],
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
/** `@file` and the like stand for paths of test files. */
const real = (value: string): string => FILES[value] ?? value

type Given = readonly (readonly [SettingName, readonly string[]])[]

function given(name: SettingName, values: readonly string[], requires: Case['requires'] = {}): Given {
  const others = Object.entries(requires) as [SettingName, string][]
  return [[name, values.map(real)], ...others.map(([other, value]) => [other, [real(value)]] as const)]
}

/** Loads settings through one layer. */
const LAYERS: Readonly<Record<string, (all: Given) => Config>> = {
  flags: all => load(new Map(all), {}).config,
  environment: all =>
    load(new Map(), Object.fromEntries(all.map(([name, values]) => [variableOf(name), variable(name, values)]))).config,
  file(all) {
    const path = join(DIR, 'weir.yaml')
    writeFileSync(path, yaml(all))
    return load(new Map([['config.file', [path]]]), {}).config
  },
}

function variable(name: SettingName, values: readonly string[]): string {
  return values.join(settingOf(name).kind.placeholder?.includes('=') ? ';' : ',')
}

function yaml(all: Given): string {
  const top: Record<string, unknown> = {}
  for (const [name, values] of all) {
    const parts = keyOf(name, settingOf(name))!.split('.')
    const last = parts.pop()!
    let at = top
    for (const part of parts) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    at[last] = settingOf(name).kind.fromFlag(values)
  }
  return stringify(top)
}

/** A settings file cannot name another one. */
function layersOf(name: SettingName): string[] {
  return Object.keys(LAYERS).filter(layer => layer !== 'file' || keyOf(name, settingOf(name)) !== undefined)
}

t.test('each setting has a case', async t => {
  t.strictSame(Object.keys(CASES).sort(), [...NAMES].sort())
})

for (const [key, testCase] of Object.entries(CASES)) {
  const name = key as SettingName
  t.test(`${name} reaches its consumer from every layer, and an invalid value is an error in every layer`, async t => {
    const { values, of, is, bad, allowed, requires } = testCase
    t.notSame(of(runOptions(load(new Map(), {}).config), load(new Map(), {}).config), is, 'not the default')
    for (const layer of layersOf(name)) {
      const config = LAYERS[layer]!(given(name, values, requires))
      t.strictSame(of(runOptions(config), config), is, layer)
      if (layer === 'environment' && bad === '@empty') continue // an empty variable is unset
      try {
        LAYERS[layer]!(given(name, [bad], requires))
        t.fail(`${bad} is accepted: ${layer}`)
      } catch (error) {
        t.type(error, InvalidConfig)
        t.match((error as Error).message, allowed, layer)
        const { problems } = error as InvalidConfig
        t.equal(problems.length, 1)
        if (settingOf(name).secret) t.notMatch((error as Error).message, bad, 'a secret is not shown')
      }
    }
  })
}
