// SPDX-License-Identifier: Apache-2.0
/**
 * inventory.ts - the inventory file: the names of addresses where no cluster provides them.
 *
 * In:    JSON or YAML with the keys identities, endpoints, nodes, cidrs, services, dns, links, cgroups, all optional.
 * Out:   an Inventory: the same content, validated, with defaults.
 * Fail:  throws one line with file, line, key, value and the allowed values. An unknown key is an error.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { parseAddress, parsePrefix } from '../../lib/address.js'
import { locate, parseText } from '../../lib/located-text.js'

/** Above a million endpoints the tables no longer fit a node agent (about 300 bytes an endpoint). */
const MAX_ENDPOINTS = 1_000_000
const MAX_CIDRS = 100_000
const WORLD = 2
const HOST = 1

const text = z.string({ error: 'text' })
const port = whole(0, 65_535, 'a port number')
const identity = whole(0, 0xffff_ffff, 'an identity number')
const identityKey = numberKey(0xffff_ffff, 'an identity number')
const indexKey = numberKey(0xffff_ffff, 'an interface index')
const cgroupKey = z.string().regex(/^\d{1,20}$/, { error: 'a cgroup id' })
const address = parsed(parseAddress)
const prefix = parsed(parsePrefix)

const workload = object({ kind: text, name: text })
const endpoint = object({
  /** Endpoint id, unique on its node. */
  id: whole(0, 65_535, 'an endpoint id').default(0),
  ips: z.array(address, { error: 'a list of addresses' }),
  identity,
  namespace: text.default(''),
  pod: text.default(''),
  workload: workload.optional(),
  app: text.default(''),
  /** The service that has this endpoint as a backend; of several, the first by name. */
  service: text.default(''),
  node: text.default(''),
  zone: text.default(''),
  /** On this node. */
  local: z.boolean({ error: 'true or false' }).default(false),
})
const node = object({
  name: text,
  ips: z.array(address, { error: 'a list of addresses' }),
  zone: text.default(''),
  /** This node. */
  local: z.boolean({ error: 'true or false' }).default(false),
})
const service = object({ ip: address, port, namespace: text, name: text })

const schema = object({
  /** Labels by identity number. */
  identities: map(identityKey, z.array(text, { error: 'a list of labels' })),
  endpoints: list(endpoint, MAX_ENDPOINTS, 'endpoints'),
  nodes: list(node, MAX_CIDRS, 'nodes'),
  /** Identity by prefix. */
  cidrs: map(prefix, whole(1, 0xffff_ffff, 'an identity number')).refine(
    cidrs => Object.keys(cidrs).length <= MAX_CIDRS,
    {
      error: `at most ${MAX_CIDRS} cidrs`,
    },
  ),
  services: list(service, MAX_ENDPOINTS, 'services'),
  /** Names by address. */
  dns: map(address, z.array(text, { error: 'a list of names' })),
  /** Interface name by index. */
  links: map(indexKey, text),
  /** namespace/pod/ip by cgroup id. */
  cgroups: map(cgroupKey, text),
})

export type Inventory = z.infer<typeof schema>
export type InventoryEndpoint = Inventory['endpoints'][number]

/** Reads and validates a file. Throws an Error of one line, also when the file cannot be read. */
export function loadInventory(path: string): Inventory {
  return parseInventory(readInventory(path), path)
}

/** The text of a file. Throws an Error of one line. */
export function readInventory(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : (error as Error).message
    throw new Error(`inventory file ${path}: ${reason}`)
  }
}

/** Validates `content`; `name` is the file name in errors. */
export function parseInventory(content: string, name: string): Inventory {
  const value = parseText(content, name)
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const issues = result.error.issues
  // Reports a misspelt key first: it often causes the other issues.
  const first = issues.find(issue => issue.code === 'unrecognized_keys') ?? issues[0]!
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  throw new Error(`${name}${describe(first, value, content)}${more}`)
}

/** The inventory of any node: loopback is identity host, all else identity world. The live source adds the node's addresses. */
export function defaultInventory(): Inventory {
  return schema.parse({ cidrs: { '0.0.0.0/0': WORLD, '::/0': WORLD, '127.0.0.0/8': HOST, '::1/128': HOST } })
}

/** `:LINE: KEY.PATH: VALUE; allowed: ...` */
function describe(issue: z.core.$ZodIssue, root: unknown, content: string): string {
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const path = unknownKey === undefined ? issue.path : [...issue.path, unknownKey]
  const line = locate(content, path)
  const where = line === undefined ? '' : `:${line}`
  const key = path.reduce<string>(
    (all, part) => all + (typeof part === 'number' ? `[${part}]` : `${all && '.'}${String(part)}`),
    '',
  )
  const allowed = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  const problem = unknownKey === undefined ? found(issue, root) : 'unknown key'
  return `${where}: ${key || 'the file'}: ${problem}; allowed: ${allowed}`
}

function found(issue: z.core.$ZodIssue, root: unknown): string {
  if (issue.code === 'invalid_key') return JSON.stringify(String(issue.path.at(-1)))
  let value = root
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part]
  if (value === undefined) return 'missing'
  const json = jsonOf(value)
  return json.length > 60 ? `${json.slice(0, 57)}...` : json
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return 'a value nested too deeply'
  }
}

/** A map with exactly these keys allowed. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, { error: issue => (issue.code === 'unrecognized_keys' ? keys : `a map with ${keys}`) })
}

function map<Key extends z.ZodString, Value extends z.ZodType>(key: Key, value: Value) {
  return z.record(key, value, { error: 'a map' }).default({} as never)
}

function list<Item extends z.ZodType>(item: Item, most: number, noun: string) {
  return z
    .array(item, { error: `a list of ${noun}` })
    .max(most, { error: `at most ${most} ${noun}` })
    .default([])
}

function whole(least: number, most: number, noun: string) {
  const fits = (value: unknown) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most
  return z.custom<number>(fits, { error: `${noun}, ${least} to ${most}` })
}

function numberKey(most: number, noun: string) {
  return z.string().refine(key => /^(0|[1-9]\d*)$/.test(key) && Number(key) <= most, { error: `${noun}, 0 to ${most}` })
}

/** Text that `parse` accepts. The error of `parse` says what is allowed. */
function parsed(parse: (value: string) => unknown) {
  return z.string({ error: 'text' }).superRefine((value, context) => {
    try {
      parse(value)
    } catch (error) {
      const allowed = (error as Error).message.replace(/^.*; allowed: /, '')
      context.addIssue({ code: 'custom', message: allowed })
    }
  })
}
