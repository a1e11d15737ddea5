/**
 * observe-server.ts - `weir observe --server`: flows of a running Weir, a Cilium agent or a Relay.
 *
 * In:    what was asked for; selection and filters are the server's work.
 * Fail:  an Error that names the address.
 */
import { type FlowsQuery, ObserverClient } from '../api/client.js'
import type { ObserveOptions } from './observe.js'
import { printerOf, show } from './observe.js'

/** As `hubble observe` has it, when nothing says how many. */
const DEFAULT_LAST = 20

/** The exit code. A follower is ended by a signal. */
export async function observeServer(options: ObserveOptions): Promise<number> {
  const client = await ObserverClient.connect(options.server)
  try {
    await show(client.getFlows(queryOf(options)), printerOf(options), options.time, options.follow)
    return 0
  } finally {
    client.close()
  }
}

export function queryOf({ selection, all, follow }: Pick<ObserveOptions, 'selection' | 'all' | 'follow'>): FlowsQuery {
  const { allow, deny, first, last, since, until } = selection
  const unlimited = all || follow || since !== undefined || until !== undefined
  return {
    allow,
    deny,
    follow,
    first: first !== undefined,
    number: first ?? last ?? (unlimited ? 0 : DEFAULT_LAST),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}
