// SPDX-License-Identifier: Apache-2.0
/**
 * namespace.ts - facts of a namespace: its labels, which are part of its pods' identities.
 *
 * In:    a Namespace's metadata.
 */

import type { ApiObject } from './api-object.js'
import type { Interner } from './interner.js'

export interface NamespaceFacts {
  readonly key: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export function namespaceFacts({ metadata }: ApiObject, intern: Interner): NamespaceFacts {
  const name = intern.of(metadata.name ?? '')
  return { key: `namespace/${name}`, name, labels: metadata.labels ?? {} }
}
