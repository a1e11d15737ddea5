// SPDX-License-Identifier: Apache-2.0
/**
 * predicate.ts - a condition on a flow.
 */
import type { Flow } from '../../flow/flow.js'

export type FlowPredicate = (flow: Flow) => boolean
