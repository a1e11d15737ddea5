// SPDX-License-Identifier: Apache-2.0
/**
 * pattern.ts - wildcard patterns for domain names and nodes.
 *
 * In:    `*.example.com`; `cluster/node-*`, or `node-*` for any cluster. A star matches any sequence of letters, digits,
 *        hyphens and dots; case and one trailing dot are ignored.
 * Fail:  throws an Error that names the pattern and what is allowed.
 */
import type { Flow } from '../../flow/flow.js'
import type { FlowPredicate } from './predicate.js'

const ALLOWED = 'letters, digits, - _ . and * (any sequence of them)'
const ANY_NAME = '(?:[-0-9_a-z]+(?:\\.[-0-9_a-z]+)*)'
const DEFAULT_CLUSTER = 'default'

export function matchFqdn(
  namesOf: (flow: Flow) => readonly string[] | undefined,
): (values: readonly string[]) => FlowPredicate {
  return values => {
    const pattern = union(values.map(source))
    return flow => (namesOf(flow) ?? []).some(name => pattern.test(name))
  }
}

export function matchNode(values: readonly string[]): FlowPredicate {
  const pattern = union(values.map(nodeSource))
  return ({ node_name: name }) => {
    if (name === undefined) return false
    return pattern.test(name.includes('/') ? name : `${DEFAULT_CLUSTER}/${name}`)
  }
}

function nodeSource(text: string): string {
  const parts = text.split('/')
  if (text === '' || parts.length > 2)
    throw new Error(`"${text}" is not a node; allowed: NODE, CLUSTER/NODE, made of ${ALLOWED}`)
  const [cluster, node] = parts.length === 2 ? parts : ['', parts[0]]
  return `${cluster ? source(cluster) : ANY_NAME}/${node ? source(node) : ANY_NAME}`
}

function source(text: string): string {
  const name = text.trim().replace(/\.$/, '').toLowerCase()
  if (!/^[-0-9_a-z.*]+$/.test(name) || name.endsWith('.')) {
    throw new Error(`"${text}" is not a name pattern; allowed: ${ALLOWED}`)
  }
  return name.replaceAll('.', '\\.').replaceAll('*', '[-.0-9a-z]*')
}

function union(sources: readonly string[]): RegExp {
  return new RegExp(`^(?:${sources.join('|')})$`)
}
