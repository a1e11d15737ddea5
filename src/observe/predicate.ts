/**
 * predicate.ts - a question about a flow.
 */
import type { Flow } from '../datapath/flow.js'

export type FlowPredicate = (flow: Flow) => boolean
