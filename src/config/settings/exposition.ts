// SPDX-License-Identifier: Apache-2.0
/**
 * exposition.ts - settings of the metrics page: concurrent scrapes and optional series.
 */
import { integer, toggle } from '../kind.js'
import { setting } from '../setting.js'

/** More than any server has connections. */
const MAX_REQUESTS = 65_536

export const exposition = {
  'web.max-requests': setting(integer(0, MAX_REQUESTS), {
    help: 'maximum number of concurrent scrapes; 0: no limit',
    default: 40,
  }),
  'web.disable-exporter-metrics': setting(toggle, {
    help: 'exclude metrics about the exporter process itself (process_*, nodejs_*)',
    default: false,
  }),
  'openmetrics.created': setting(toggle, {
    help: 'expose the start time of each counter and histogram as a _created series in OpenMetrics',
    default: true,
  }),
}
