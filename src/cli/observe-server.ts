/**
 * observe-server.ts - `weir observe --server`: flows of a running Weir, a Cilium agent or a Relay.
 *
 * In:    what was asked for; selection and filters are the server's work.
 * Fail:  an Error that names the address.
 */
import { type FlowsQuery, ObserverClient } from '../hubble/api/client.js'
import type { ObserveOptions } from './observe-options.js'
import { printFlows } from './observe-print.js'

/** As `hubble observe` has it, when nothing says how many. */
const DEFAULT_LAST = 20
/** More than any ring holds, and a number that survives the trip; 0 would be nothing of the past to a follower. */
const ALL = Number.MAX_SAFE_INTEGER

/** The exit code. A follower is ended by a signal. */
export async function observeServer(options: ObserveOptions): Promise<number> {
  const client = await ObserverClient.connect(options.server)
  try {
    await printFlows(client.getFlows(queryOf(options)), options)
    return 0
  } finally {
    client.close()
  }
}

/** `until` ends no follower, as in Hubble's CLI. */
export function queryOf({ selection, all, follow }: Pick<ObserveOptions, 'selection' | 'all' | 'follow'>): FlowsQuery {
  const { allow, deny, first, last, since, until } = selection
  const timed = since !== undefined || until !== undefined
  const number = timed || (follow && !all) ? 0 : all ? ALL : DEFAULT_LAST
  return {
    allow,
    deny,
    follow,
    first: first !== undefined,
    number: first ?? last ?? number,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined || follow ? {} : { until }),
  }
}
