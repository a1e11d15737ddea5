// SPDX-License-Identifier: Apache-2.0
/**
 * observe-server.ts - `weir observe --server`: prints the flows of a running Weir, a Cilium agent or a Relay.
 *
 * In:    selection and filters, which the server applies.
 * Fail:  an Error that names the address.
 */
import { type FlowsQuery, ObserverClient } from '../hubble/api/client.js'
import type { ObserveOptions } from './observe-options.js'
import { printFlows } from './observe-print.js'

/** The default of `hubble observe`. */
const DEFAULT_LAST = 20
/** More than any ring holds, and exact in a double. With --follow, 0 would mean no past flows. */
const ALL = Number.MAX_SAFE_INTEGER

/** The exit code. With --follow, only a signal ends the command. */
export async function observeServer(options: ObserveOptions): Promise<number> {
  const client = await ObserverClient.connect(options.server)
  try {
    await printFlows(client.getFlows(queryOf(options)), options)
    return 0
  } finally {
    client.close()
  }
}

/** With --follow, --until has no effect, as in Hubble's CLI. */
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
