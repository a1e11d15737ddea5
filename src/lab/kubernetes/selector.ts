// SPDX-License-Identifier: Apache-2.0
/**
 * selector.ts - field selectors, as far as a server supports them for pods.
 *
 * In:    `status.phase!=Failed,spec.nodeName=node-1`.
 * Out:   whether an object is selected.
 * Fail:  an Error for a field that servers do not support in selectors.
 */
import type { StoredObject } from './object-store.js'

const FIELDS = ['metadata.name', 'metadata.namespace', 'spec.nodeName', 'status.phase'] as const

export type Selects = (object: StoredObject) => boolean

export function fieldSelector(text: string): Selects {
  const terms = text.split(',').filter(term => term !== '')
  const checks = terms.map(term => {
    const [, field = '', operator = '', value = ''] = /^([\w.]+)(!=|==|=)(.*)$/.exec(term) ?? []
    if (!FIELDS.some(known => known === field)) throw new Error(`field label not supported: ${field}`)
    return (object: StoredObject) => (fieldOf(object, field) === value) === (operator !== '!=')
  })
  return object => checks.every(check => check(object))
}

function fieldOf(object: StoredObject, field: string): string {
  let value: unknown = object
  for (const key of field.split('.')) value = (value as Record<string, unknown> | undefined)?.[key]
  return typeof value === 'string' ? value : ''
}
