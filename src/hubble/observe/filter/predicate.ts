/**
 * predicate.ts - a condition on a flow.
 */
import type { Flow } from '../../flow/flow.js'

export type FlowPredicate = (flow: Flow) => boolean
