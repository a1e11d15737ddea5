// SPDX-License-Identifier: Apache-2.0
/**
 * api-object.ts - the metadata that every object of the Kubernetes API carries.
 */

export interface Owner {
  readonly kind: string
  readonly name: string
  readonly uid?: string
  readonly controller?: boolean
}

/** The fields that Weir reads. */
export interface ApiObject {
  readonly metadata: {
    readonly uid?: string
    readonly name?: string
    readonly namespace?: string
    readonly generateName?: string
    readonly resourceVersion?: string
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly Owner[]
  }
}
