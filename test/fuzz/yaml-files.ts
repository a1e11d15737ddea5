/**
 * yaml-files.ts - fuzz target: the text of a settings file, a web config file, an inventory, and a file of hubble_* metrics.
 *
 * In:    a byte that chooses the reader, then the text.
 * Out:   the text is accepted, or refused with one line.
 */
import fc from 'fast-check'
import { ConfigFile } from '../../src/config/config-file.js'
import { SETTINGS } from '../../src/config/schema.js'
import type { Setting } from '../../src/config/setting.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../src/datapath/inventory/inventory-entities.js'
import { ConfigError } from '../../src/hubble/metrics/config.js'
import { parseDynamic } from '../../src/hubble/metrics/dynamic-document.js'
import { parseWebConfig, WebConfigError } from '../../src/web/web-config.js'
import { around, bytesOf, type FuzzTarget } from './target.js'

const HASH = '$2y$04$kVqL8aZ9o1mGk9qF1Vb3KeYp1u8q3Zb6E0b1C9pQbq8QmGk2b7D8W'
/** A refusal is one of these; any other error is a bug. */
const REFUSALS: readonly unknown[] = [Error, WebConfigError, ConfigError]

const texts = fc.constantFrom(
  'identities: { 5000: [k8s:app=web] }\nendpoints:\n- { ips: [10.0.0.1, fd00::1], identity: 5000, namespace: shop, pod: web-1, local: true }\n',
  'nodes:\n- name: a\n  ips: [10.1.0.1]\ncidrs: { 10.0.0.0/8: 7 }\nservices: [{ ip: 10.96.0.1, port: 80, namespace: a, name: b }]\n',
  '{"dns":{"10.0.0.9":["a.example"]},"links":{"3":"eth0"},"cgroups":{"42":"a/b/10.0.0.1"}}',
  'tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS12\n  client_auth_type: RequireAnyClientCert\n',
  `basic_auth_users:\n  alice: "${HASH}"\nrate_limit: { interval: 1m0.5s, burst: 3 }\n`,
  'http_server_config: { http2: true, headers: { X-Frame-Options: deny, constructor: x } }\n',
  'web:\n  listen-address: [":9964", unix:///run/weir.sock]\nlog: { level: debug }\nseries: { budget: 10, ttl: 1h }\n',
  'otlp:\n  endpoint: http://user:pass@c:4318/?a=b\n  headers: { a: b, __proto__: c }\n  interval: 1s\n',
  'families: { weir_flow_bytes_total: { labels: [source_pod] } }\nhubble-metrics: "drop:sourceContext=pod|ip;labelsContext=source_ip"\n',
  'metrics:\n- name: drop\n  contextOptions: [{ name: sourceContext, values: [pod] }]\n  includeFilters: [{ source_pod: [a/b, "*"] }]\n',
  'a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\nd: { <<: *a }\n',
  '? [a, b]\n: c\n--- |\n  text\n...\n!!binary x: !x y\n',
)

const READERS: readonly ((text: string) => unknown)[] = [
  text => entitiesOf(parseInventory(text, 'f')),
  text => parseWebConfig(text, '/f'),
  text => parseDynamic(text, 'f', () => () => true),
  settingsOf,
]

export const yamlFiles: FuzzTarget = {
  name: 'yaml-files',
  input: around(fc.tuple(fc.nat(READERS.length - 1), texts).map(([reader, text]) => bytesOf(`${reader}${text}`))),
  run(bytes) {
    const read = READERS[(bytes[0] ?? 0) % READERS.length]!
    acceptedOrRefused(() => read(Buffer.from(bytes.subarray(1)).toString()))
  },
}

function acceptedOrRefused(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    const { message } = error as Error
    if (!REFUSALS.includes((error as Error).constructor)) throw error
    if (message.includes('\n')) throw new Error(`a refusal of more than one line: ${message}`)
  }
}

function settingsOf(text: string): void {
  const file = new ConfigFile('f', text)
  for (const [name, value] of file.given) {
    const { kind }: Setting<unknown> = SETTINGS[name]
    const result = kind.schema.safeParse(value)
    if (!result.success) for (const { path } of result.error.issues) file.where(name, path)
  }
}
