// SPDX-License-Identifier: Apache-2.0
/**
 * label-selector.ts - Kubernetes label selectors on Cilium's labels.
 *
 * In:    requirements joined by commas: `k8s:app=web`, `app!=web`, `app in (a, b)`, `app notin (a, b)`, `app`, `!app`.
 *        A key may name its source (`k8s:`, `reserved:`, `cidr:`); without one, any source matches.
 * Out:   a predicate on `source:key=value` labels: all requirements of a selector must be met.
 * Fail:  throws an Error that names the selector and what is allowed.
 */
import type { Flow } from '../../flow/flow.js'
import type { FlowPredicate } from './predicate.js'

/** A condition on the labels of an endpoint or node. */
type Requirement = (labels: readonly string[]) => boolean

const ALLOWED = 'KEY=VALUE, KEY!=VALUE, KEY in (A, B), KEY notin (A, B), KEY, !KEY, joined by commas'
const KEY = String.raw`([^\s!=,()]+)`
const VALUE = String.raw`([-\w.]*)`
const FORMS: readonly { pattern: RegExp; make: (key: string, value: string) => Requirement }[] = [
  { pattern: new RegExp(`^${KEY}$`), make: key => labels => labelValue(labels, key) !== undefined },
  { pattern: new RegExp(`^!\\s*${KEY}$`), make: key => labels => labelValue(labels, key) === undefined },
  {
    pattern: new RegExp(`^${KEY}\\s*==?\\s*${VALUE}$`),
    make: (key, value) => labels => labelValue(labels, key) === value,
  },
  {
    pattern: new RegExp(`^${KEY}\\s*!=\\s*${VALUE}$`),
    make: (key, value) => labels => labelValue(labels, key) !== value,
  },
  { pattern: new RegExp(`^${KEY}\\s+in\\s*\\(([^()]*)\\)$`), make: (key, values) => isIn(key, values, true) },
  { pattern: new RegExp(`^${KEY}\\s+notin\\s*\\(([^()]*)\\)$`), make: (key, values) => isIn(key, values, false) },
]

export function matchLabels(
  labelsOf: (flow: Flow) => readonly string[] | undefined,
): (values: readonly string[]) => FlowPredicate {
  return values => {
    const selectors = values.map(parseSelector)
    return flow => {
      const labels = labelsOf(flow) ?? []
      return selectors.some(selector => selector.every(isMet => isMet(labels)))
    }
  }
}

function parseSelector(text: string): Requirement[] {
  return requirementsOf(text).map(part => {
    for (const { pattern, make } of FORMS) {
      const [, key, value = ''] = pattern.exec(part) ?? []
      if (key !== undefined) return make(key, value)
    }
    throw new Error(`"${text}" is not a label selector; allowed: ${ALLOWED}`)
  })
}

/** The parts between commas. Commas inside parentheses belong to a list. */
function requirementsOf(text: string): string[] {
  const parts: string[] = []
  let from = 0
  let inList = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '(') inList = true
    else if (char === ')') inList = false
    else if (char === ',' && !inList) {
      parts.push(text.slice(from, at).trim())
      from = at + 1
    }
  }
  parts.push(text.slice(from).trim())
  return parts
}

/** `notin` is also met when the label is missing. */
function isIn(key: string, list: string, wanted: boolean): Requirement {
  const values = list.split(',').map(value => value.trim())
  return labels => {
    const value = labelValue(labels, key)
    return (value !== undefined && values.includes(value)) === wanted
  }
}

/** The value of the first label with this key, '' when it has no value; undefined when there is no such label. */
function labelValue(labels: readonly string[], key: string): string | undefined {
  const colon = key.indexOf(':')
  const source = colon < 0 ? 'any' : key.slice(0, colon)
  const name = key.slice(colon + 1)
  for (const label of labels) {
    const at = label.indexOf(':') + 1
    if (source !== 'any' && label.slice(0, Math.max(at - 1, 0)) !== source) continue
    const equals = label.indexOf('=', at)
    if (label.slice(at, equals < 0 ? undefined : equals) === name) return equals < 0 ? '' : label.slice(equals + 1)
  }
  return undefined
}
