// SPDX-License-Identifier: Apache-2.0
/**
 * web-config.ts - parses the web config file: TLS, HTTP headers, users and rate limit, as in Prometheus's exporter-toolkit.
 *
 * In:    YAML; https://prometheus.io/docs/prometheus/latest/configuration/https/ documents the keys.
 * Out:   a checked WebConfig with absolute paths. tls.ts reads the certificates.
 * Fail:  an error of one line that names file, line, key, value and what is allowed, but never a password hash or a private key.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { locate } from '../lib/located-text.js'
import { parseYaml, plainValue, syntaxProblem, YamlProblem } from '../lib/yaml-text.js'
import { CIPHER_SUITES, CURVE_NAMES, TLS_VERSIONS } from './cipher-suites.js'
import { flag, goDuration, oneOf, orAbsent, section, text, wholeNumber } from './web-scalar.js'

/** The file, or one that it names, cannot be used. The message is one line. */
export class WebConfigError extends Error {}

const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  /** Another name for RequireAnyClientCert. */
  'RequireClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const

/** Headers that may be set, with their allowed values; an empty list allows any. */
const HEADERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Content-Security-Policy', []],
  ['Strict-Transport-Security', []],
  ['X-Content-Type-Options', ['nosniff']],
  ['X-Frame-Options', ['deny', 'sameorigin']],
  ['X-XSS-Protection', []],
])
/** A thousand users take a tenth of it. */
const MAX_MB = 1
const SECRETS = new Set(['basic_auth_users', 'key'])
/** Header values that node:http accepts. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** Cost 14 takes a few seconds; each step doubles it. */
const BCRYPT = /^\$2[aby]?\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/

const names = (allowed: readonly string[]) => orAbsent(z.array(oneOf(allowed), { error: 'a list' }).default([]))
const optionalText = orAbsent(text.optional())

const tlsSchema = section({
  cert: optionalText,
  cert_file: optionalText,
  key: optionalText,
  key_file: optionalText,
  client_ca: optionalText,
  client_ca_file: optionalText,
  client_auth_type: orAbsent(oneOf(CLIENT_AUTH_TYPES).optional()),
  client_allowed_sans: orAbsent(z.array(text, { error: 'a list of names' }).optional()),
  min_version: orAbsent(oneOf(TLS_VERSIONS).default('TLS12')),
  max_version: orAbsent(oneOf(TLS_VERSIONS).default('TLS13')),
  cipher_suites: names(CIPHER_SUITES),
  prefer_server_cipher_suites: flag(true),
  curve_preferences: names(CURVE_NAMES),
})

const headers = z.record(text, text, { error: 'a map' }).superRefine((values, context) => {
  for (const [name, value] of Object.entries(values)) {
    const allowed = HEADERS.get(name)
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: [name], message })
    if (allowed === undefined) refuse(`headers ${[...HEADERS.keys()].join(', ')}`)
    else if (allowed.length > 0 && !allowed.includes(value)) refuse(allowed.join(', '))
    else if (!HEADER_VALUE.test(value)) refuse('one line of text')
  }
})

const schema = section({
  tls_server_config: tlsSchema,
  http_server_config: section({ http2: flag(true), headers: orAbsent(headers.default({})) }),
  basic_auth_users: orAbsent(
    z
      .record(text, text.regex(BCRYPT, { error: 'a bcrypt hash of cost 4 to 14, as htpasswd -nBC 10 prints' }), {
        error: 'a map',
      })
      .default({}),
  ),
  rate_limit: section({ interval: orAbsent(goDuration.default(0)), burst: orAbsent(wholeNumber.default(0)) }),
})

type File = z.infer<typeof schema>
export type TlsSettings = File['tls_server_config']

export interface WebConfig {
  /** Undefined: plain HTTP. */
  readonly tls: TlsSettings | undefined
  /** Set on every response. */
  readonly headers: Readonly<Record<string, string>>
  /** bcrypt hash by user; empty: no password required. */
  readonly users: ReadonlyMap<string, string>
  /** One more request every `intervalMs`, `burst` at once; undefined: no limit. */
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | undefined
}

/** Reads and checks the file. Throws a WebConfigError, also when it cannot be read. */
export function readWebConfig(path: string): WebConfig {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const problem = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : (error as Error).message
    throw new WebConfigError(`web config file ${path}: ${problem}`)
  }
  return parseWebConfig(content, path)
}

/** Checks `content`. `path` names the file in errors; relative paths start in its folder. */
export function parseWebConfig(content: string, path: string): WebConfig {
  const result = schema.safeParse(valuesOf(content, path))
  if (!result.success) {
    const { issues } = result.error
    // Report a misspelt key first: it often causes the other issues.
    throw new WebConfigError(
      `${path}${describe(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!, content)}`,
    )
  }
  const { tls_server_config, http_server_config, basic_auth_users, rate_limit } = result.data
  const refuse = (key: string, problem: string): never => {
    const line = locate(content, key.split('.'))
    throw new WebConfigError(`${path}${line === undefined ? '' : `:${line}`}: ${key}: ${problem}`)
  }
  if (rate_limit.interval > 0 && rate_limit.burst === 0)
    refuse('rate_limit.burst', '0; allowed: 1 or more with an interval')
  return {
    tls: tlsOf(tls_server_config, dirname(path), refuse),
    headers: http_server_config.headers,
    users: new Map(Object.entries(basic_auth_users)),
    rateLimit: rate_limit.interval === 0 ? undefined : { intervalMs: rate_limit.interval, burst: rate_limit.burst },
  }
}

/** Keeps every scalar as text; only the schema assigns types. */
function valuesOf(content: string, path: string): unknown {
  try {
    const parsed = parseYaml(content, { schema: 'failsafe' }, MAX_MB)
    const problem = syntaxProblem(parsed)
    if (problem !== undefined) throw problem
    const { document } = parsed
    return (document.contents === null ? undefined : plainValue(document.contents, document)) ?? {}
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error
    throw new WebConfigError(`${path}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`)
  }
}

function tlsOf(
  file: TlsSettings,
  folder: string,
  refuse: (key: string, problem: string) => never,
): TlsSettings | undefined {
  const { cert, cert_file, key, key_file, client_ca, client_ca_file, client_auth_type } = file
  if ([cert, cert_file, key, key_file, client_ca, client_ca_file, client_auth_type].every(set => set === undefined)) {
    return undefined
  }
  const at = 'tls_server_config'
  if (cert === undefined && cert_file === undefined) refuse(at, 'missing one of cert or cert_file')
  if (key === undefined && key_file === undefined) refuse(at, 'missing one of key or key_file')
  refuseClientRules(file, refuse)
  if (TLS_VERSIONS.indexOf(file.min_version) > TLS_VERSIONS.indexOf(file.max_version)) {
    refuse(`${at}.max_version`, `${file.max_version}; allowed: ${file.min_version} (min_version) or newer`)
  }
  const absolute = (name: string | undefined) => (name === undefined ? undefined : resolve(folder, name))
  return {
    ...file,
    cert_file: absolute(cert_file),
    key_file: absolute(key_file),
    client_ca_file: absolute(client_ca_file),
  }
}

/** Rules for client certificates that are never requested would protect nothing. */
function refuseClientRules(file: TlsSettings, refuse: (key: string, problem: string) => never): void {
  const { client_ca, client_ca_file, client_auth_type = 'NoClientCert', client_allowed_sans } = file
  if (client_auth_type === 'NoClientCert' && (client_ca ?? client_ca_file) !== undefined) {
    refuse('tls_server_config', "client CA's have been configured without a Client Auth Policy (client_auth_type)")
  }
  if (client_allowed_sans !== undefined && !client_auth_type.startsWith('Require')) {
    const allowed = 'RequireAnyClientCert or RequireAndVerifyClientCert'
    refuse('tls_server_config.client_allowed_sans', `needs client_auth_type; allowed: ${allowed}`)
  }
}

/** `:LINE: KEY.PATH: VALUE; allowed: ...` */
function describe(issue: z.core.$ZodIssue, content: string): string {
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const path = unknownKey === undefined ? issue.path : [...issue.path, unknownKey]
  const line = locate(content, path)
  const secret = path.some(part => SECRETS.has(String(part)))
  const value = unknownKey !== undefined ? 'unknown key' : secret ? 'a wrong value' : shownValue(path, content)
  return `${line === undefined ? '' : `:${line}`}: ${path.join('.') || 'the file'}: ${value}; allowed: ${issue.message}`
}

function shownValue(path: readonly PropertyKey[], content: string): string {
  const value = parseDocument(content, { schema: 'failsafe' }).getIn(path.map(String))
  const words = typeof value === 'string' ? value : 'a value of another kind'
  return JSON.stringify(words.length > 60 ? `${words.slice(0, 57)}...` : words)
}
