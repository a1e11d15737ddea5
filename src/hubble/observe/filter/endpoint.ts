// SPDX-License-Identifier: Apache-2.0
/**
 * endpoint.ts - matches a flow's endpoint by pod, Service, workload, identity or cluster.
 */

import type { Workload } from '../../../datapath/identity/workload.js'
import type { Endpoint, Flow, Service } from '../../flow/flow.js'
import type { FlowPredicate } from './predicate.js'

type EndpointOf = (flow: Flow) => Endpoint | undefined

/** Names are prefixes: `shop/cart-` matches all pods of cart. An endpoint without a name matches nothing. */
export function matchName(
  kind: 'pod' | 'service',
  namedOf: (flow: Flow) => (Endpoint & Service) | Endpoint | Service | undefined,
): (values: readonly string[]) => FlowPredicate {
  return values => {
    const wanted = values.map(value => parseName(kind, value))
    return flow => {
      const named: Endpoint & Service = namedOf(flow) ?? {}
      const { namespace = '' } = named
      const name = (kind === 'pod' ? named.pod_name : named.name) ?? ''
      if (namespace === '' && name === '') return false
      return wanted.some(
        wanted => (wanted.namespace === '' || wanted.namespace === namespace) && name.startsWith(wanted.prefix),
      )
    }
  }
}

/** `namespace/prefix`; without a slash the namespace is `default`. */
function parseName(kind: string, text: string): { namespace: string; prefix: string } {
  const [first = '', second, more] = text.split('/')
  if (text === '' || more !== undefined) {
    throw new Error(`"${text}" is not a ${kind}; allowed: NAME (in namespace default), NAMESPACE/NAME, NAMESPACE/`)
  }
  return second === undefined ? { namespace: 'default', prefix: first } : { namespace: first, prefix: second }
}

/** An empty kind or name matches any. */
export function matchWorkload(endpointOf: EndpointOf): (values: readonly Workload[]) => FlowPredicate {
  return values => flow =>
    (endpointOf(flow)?.workloads ?? []).some(({ kind = '', name = '' }) =>
      values.some(wanted => (!wanted.kind || wanted.kind === kind) && (!wanted.name || wanted.name === name)),
    )
}

export function matchIdentity(endpointOf: EndpointOf): (values: readonly number[]) => FlowPredicate {
  return values => flow => values.includes(endpointOf(flow)?.identity ?? 0)
}

export function matchCluster(endpointOf: EndpointOf): (values: readonly string[]) => FlowPredicate {
  return values => {
    if (values.includes('')) throw new Error('the cluster name is empty; allowed: a name')
    return flow => values.includes(endpointOf(flow)?.cluster_name ?? '')
  }
}
