/**
 * kubernetes-objects.ts - fuzz target: the bodies of lists and watches of the Kubernetes API.
 *
 * In:    a byte that chooses resource and verb, then the body.
 * Out:   what can be read becomes names, as far as the main thread's tables; the reflector goes on after anything.
 */
import fc from 'fast-check'
import { Entities } from '../../src/datapath/identity/entities.js'
import type { EntityChanges } from '../../src/datapath/identity/entity-changes.js'
import { Cluster } from '../../src/kubernetes/cluster/cluster.js'
import { Outbox } from '../../src/kubernetes/cluster/outbox.js'
import { pack, unpack } from '../../src/kubernetes/cluster/packed-changes.js'
import { PendingChanges } from '../../src/kubernetes/cluster/pending-changes.js'
import { Interner } from '../../src/kubernetes/object/interner.js'
import { CILIUM, CORE, type Resource } from '../../src/kubernetes/object/resource.js'
import type { ApiClient, ApiRequest } from '../../src/kubernetes/watch/api-client.js'
import { Reflector, TIMES } from '../../src/kubernetes/watch/reflector.js'
import { WatchTracker } from '../../src/kubernetes/watch/watch-state.js'
import { around, bytesOf, type FuzzTarget } from './target.js'

const RESOURCES: readonly Resource[] = [...CORE, ...CILIUM]
const NODE = 'node-1'
const EMPTY = Buffer.from('{"metadata":{"resourceVersion":"5"},"items":[]}')
const METADATA = {
  name: '300',
  namespace: 'shop',
  uid: 'u-1',
  resourceVersion: '7',
  creationTimestamp: '2026-01-02T03:04:05Z',
  labels: { app: 'web', 'pod-template-hash': 'abc', 'kubernetes.io/service-name': 'kubernetes' },
  annotations: {
    'k8s.v1.cni.cncf.io/network-status': '[{"ips":["10.9.0.1"]}]',
    'k8s.ovn.org/node-subnets': '{"default":"10.8.0.0/24"}',
  },
  ownerReferences: [{ kind: 'Pod', name: 'web-abc', uid: 'u-1', controller: true }],
}
/** One object with the fields of every resource. */
const OBJECT = {
  metadata: METADATA,
  'security-labels': { 'k8s:app': 'web' },
  spec: {
    nodeName: NODE,
    podCIDRs: ['10.8.0.0/24'],
    clusterIPs: ['10.96.0.1'],
    ports: [{ port: 80, protocol: 'TCP' }],
  },
  status: {
    id: 12,
    identity: { id: 300, labels: ['k8s:app=web'] },
    phase: 'Running',
    podIP: '10.0.0.1',
    podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
    startTime: '2026-01-02T03:04:06Z',
    addresses: [{ type: 'InternalIP', address: '10.1.0.1' }],
    loadBalancer: { ingress: [{ ip: '10.2.0.1' }] },
  },
  endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', uid: 'u-1' } }],
}
const PATHS = pathsOf(OBJECT)

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    5,
    -1,
    1e300,
    true,
    '',
    [],
    {},
    '__proto__',
    ['constructor'],
    { toString: 1 },
    '10.0.0.1/99',
    '::',
  ),
)
/** Objects in which some fields have odd values. */
const objects = fc.array(fc.tuple(fc.constantFrom(...PATHS), odd), { maxLength: 3 }).map(changes => {
  const object = structuredClone(OBJECT) as unknown
  for (const [path, value] of changes) replace(object, path, value)
  return object
})
const lists = fc
  .array(objects, { maxLength: 4 })
  .map(items => JSON.stringify({ metadata: { resourceVersion: '6' }, items }))
const type = fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'constructor')
const events = fc
  .array(fc.record({ type, object: objects }), { maxLength: 6 })
  .map(all => all.map(event => `${JSON.stringify(event)}\n`).join(''))
const choice = fc.nat(RESOURCES.length - 1)
const listed = fc.tuple(choice, lists).map(([at, body]) => bodyOf(at * 2, body))
const watched = fc.tuple(choice, events).map(([at, body]) => bodyOf(at * 2 + 1, body))

export const kubernetesObjects: FuzzTarget = {
  name: 'kubernetes-objects',
  input: around(fc.oneof(listed, watched)),
  async run(bytes) {
    const first = bytes[0] ?? 0
    const resource = RESOURCES[(first >> 1) % RESOURCES.length]!
    await reflected(resource, (first & 1) === 1, Buffer.from(bytes.subarray(1)))
  },
}

/** Runs a reflector until it has read `body` and asks for more. */
async function reflected(resource: Resource, watching: boolean, body: Buffer): Promise<void> {
  const stop = new AbortController()
  const bodies = watching ? [EMPTY, body] : [body]
  const client = {
    async read(_: ApiRequest, sink: (chunk: Buffer) => void, onStart?: () => void): Promise<void> {
      const next = bodies.shift()
      if (next === undefined) return stop.abort()
      onStart?.()
      sink(next)
    },
  } as unknown as ApiClient
  const named = new Named()
  const tracker = new WatchTracker(resource.name)
  const reflector = new Reflector(resource, client, named, tracker, new Interner(), { ...TIMES, retryMs: 0 })
  await reflector.run(stop.signal)
  named.publish()
}

/** The way of a change from the watch's thread to the names of the main thread. */
class Named {
  readonly #pending = new PendingChanges()
  readonly #cluster = new Cluster(NODE, this.#pending)
  readonly #entities = new Entities()
  readonly #outbox = new Outbox(this.#cluster, this.#pending, changes => this.#apply(changes))
  readonly put = this.#cluster.put.bind(this.#cluster)
  readonly drop = this.#cluster.drop.bind(this.#cluster)
  readonly stateChanged = (): void => undefined

  publish(): void {
    this.#outbox.open()
    this.#outbox.synced()
    for (const key of this.#pending.takeKeys(Number.MAX_SAFE_INTEGER)) {
      const facts = this.#cluster.facts(key)
      const identity = this.#cluster.identities.publish(key)
      this.#apply({
        identities: identity === undefined ? [] : [identity],
        removals: facts === undefined ? [key] : [],
        upserts: facts === undefined ? [] : [facts],
        forgotten: this.#pending.takeForgotten(),
        synced: false,
      })
    }
    this.#outbox.close()
  }

  #apply(changes: EntityChanges): void {
    this.#entities.apply(unpack(pack(changes), new Interner()))
  }
}

function bodyOf(choice: number, text: string): Uint8Array {
  return Uint8Array.from([choice, ...bytesOf(text)])
}

/** The path of every value in an object. */
function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]]
  const below = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))
  return path.length === 0 ? below : [[...path], ...below]
}

function replace(object: unknown, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], object)
  if (typeof parent === 'object' && parent !== null)
    Object.defineProperty(parent, path.at(-1)!, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    })
}
