// SPDX-License-Identifier: Apache-2.0
/**
 * resource.ts - the resources that Weir watches.
 *
 * Out:   path, server-side filters (`fieldSelector`, metadata only), and the facts to extract from each object. The names are
 *        label values of weir_kubernetes_*; docs/kubernetes.md lists the verbs: list and watch, nothing else.
 */
import type { ApiObject } from './api-object.js'
import {
  type CiliumEndpointFacts,
  type CiliumIdentityFacts,
  ciliumEndpointFacts,
  ciliumIdentityFacts,
} from './cilium.js'
import { type SliceFacts, sliceFacts } from './endpoint-slice.js'
import type { Interner } from './interner.js'
import { type NamespaceFacts, namespaceFacts } from './namespace.js'
import { type NodeFacts, nodeFacts } from './node.js'
import { type PodFacts, podFacts } from './pod.js'
import { type ServiceFacts, serviceFacts } from './service.js'

/** The facts stored for objects of each resource. */
export interface FactsByResource {
  readonly pods: PodFacts
  readonly nodes: NodeFacts
  readonly services: ServiceFacts
  readonly endpointslices: SliceFacts
  readonly namespaces: NamespaceFacts
  readonly ciliumidentities: CiliumIdentityFacts
  readonly ciliumendpoints: CiliumEndpointFacts
}
export type ResourceName = keyof FactsByResource

export interface Resource<Name extends ResourceName = ResourceName> {
  readonly name: Name
  readonly path: string
  readonly fieldSelector?: string
  /** The server sends only `metadata`. */
  readonly metadataOnly?: boolean
  /** What it costs that the server does not know this resource, and which version does. */
  readonly needs?: string
  /** The key of the object's facts. */
  key(object: ApiObject): string
  /** The facts of an object of this kind; undefined if it concerns no address. */
  facts(object: ApiObject, intern: Interner): FactsByResource[Name] | undefined
}

/** Terminated pods have no address, and a cluster that runs jobs has more of them than running ones. */
const NOT_TERMINATED = 'status.phase!=Succeeded,status.phase!=Failed'

export const CORE: readonly Resource[] = [
  { name: 'nodes', path: '/api/v1/nodes', key: keyByName('node'), facts: nodeFacts },
  {
    name: 'namespaces',
    path: '/api/v1/namespaces',
    metadataOnly: true,
    key: keyByName('namespace'),
    facts: namespaceFacts,
  },
  { name: 'services', path: '/api/v1/services', key: keyByName('service'), facts: serviceFacts },
  {
    name: 'endpointslices',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    key: keyByName('slice'),
    facts: sliceFacts,
    needs: 'needs Kubernetes 1.21; without it, pods have no service label and the API server has no name',
  },
  { name: 'pods', path: '/api/v1/pods', fieldSelector: NOT_TERMINATED, key: keyByUid(''), facts: podFacts },
]

/** Watched when the cluster has these kinds, or always, as `--kubernetes.cilium` says. */
export const CILIUM_GROUP = '/apis/cilium.io/v2'
export const CILIUM: readonly Resource[] = [
  {
    name: 'ciliumidentities',
    path: `${CILIUM_GROUP}/ciliumidentities`,
    key: keyByName('identity'),
    facts: ciliumIdentityFacts,
  },
  {
    name: 'ciliumendpoints',
    path: `${CILIUM_GROUP}/ciliumendpoints`,
    key: keyByUid('endpoint/'),
    facts: ciliumEndpointFacts,
  },
]

function keyByName(kind: string): (object: ApiObject) => string {
  return ({ metadata: { namespace, name = '' } }) =>
    namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`
}

/** Pod names are reused, and the new pod may appear before the old one's deletion is known. */
function keyByUid(prefix: string): (object: ApiObject) => string {
  return ({ metadata }) => `${prefix}${metadata.uid ?? ''}`
}
