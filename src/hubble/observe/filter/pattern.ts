// SPDX-License-Identifier: Apache-2.0
/**
 * pattern.ts - wildcard patterns for domain names and nodes.
 *
 * In:    `*.example.com`; `cluster/node-*`, or `node-*` for any cluster. A star matches any sequence of letters, digits,
 *        hyphens and dots; case and one trailing dot are ignored.
 * Fail:  throws an Error that names the pattern and what is allowed.
 */
import { compileTokens, literal, type WildcardToken } from '../../../lib/wildcard.js'
import type { Flow } from '../../flow/flow.js'
import { check } from './check.js'
import type { FlowPredicate } from './predicate.js'

type NameTest = (name: string) => boolean

const ALLOWED = 'letters, digits, - _ . and * (any sequence of them)'
const DEFAULT_CLUSTER = 'default'
/** Characters of a domain name. */
const MAX_PATTERN = 255
const STAR: WildcardToken = { many: true, accepts: isNameChar }
/** A name of one or more labels. */
const isName: NameTest = name => /^[-0-9_a-z]+(?:\.[-0-9_a-z]+)*$/.test(name)

export function matchFqdn(
  namesOf: (flow: Flow) => readonly string[] | undefined,
): (values: readonly string[]) => FlowPredicate {
  return values => {
    const tests = values.map(compilePattern)
    return flow => (namesOf(flow) ?? []).some(name => tests.some(matches => matches(name)))
  }
}

export function matchNode(values: readonly string[]): FlowPredicate {
  const tests = values.map(compileNode)
  return ({ node_name: name }) => {
    if (name === undefined) return false
    const [cluster = '', node, more] = name.includes('/') ? name.split('/') : [DEFAULT_CLUSTER, name]
    return more === undefined && tests.some(matches => matches(cluster, node!))
  }
}

function compileNode(text: string): (cluster: string, node: string) => boolean {
  const parts = text.split('/')
  if (text === '' || parts.length > 2)
    throw new Error(`"${text}" is not a node; allowed: NODE, CLUSTER/NODE, made of ${ALLOWED}`)
  const [cluster, node] = parts.length === 2 ? parts : ['', parts[0]]
  const matchesCluster = cluster ? compilePattern(cluster) : isName
  const matchesNode = node ? compilePattern(node) : isName
  return (cluster, node) => matchesCluster(cluster) && matchesNode(node)
}

function compilePattern(text: string): NameTest {
  check('characters in a name pattern', text.length, MAX_PATTERN)
  const name = text.trim().replace(/\.$/, '').toLowerCase()
  if (!/^[-0-9_a-z.*]+$/.test(name) || name.endsWith('.')) {
    throw new Error(`"${text}" is not a name pattern; allowed: ${ALLOWED}`)
  }
  return compileTokens([...name.replace(/\*+/g, '*')].map(char => (char === '*' ? STAR : literal(char))))
}

function isNameChar(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= '0' && char <= '9') || char === '-' || char === '.'
}
