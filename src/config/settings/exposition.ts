/**
 * exposition.ts - settings of the metrics page: who may have it, and what is on it.
 */
import { integer, toggle } from '../kind.js'
import { setting } from '../setting.js'

/** More at a time than any server has connections. */
const MOST_REQUESTS = 65_536

export const exposition = {
  'web.max-requests': setting(integer(0, MOST_REQUESTS), {
    help: 'scrapes answered at a time, more are refused; 0: any number',
    default: 40,
  }),
  'web.disable-exporter-metrics': setting(toggle, {
    help: 'leave out the metrics of the process itself, process_* and nodejs_*',
    default: false,
  }),
  'openmetrics.created': setting(toggle, {
    help: 'OpenMetrics tells since when each counter and histogram counts: a _created series more for each',
    default: true,
  }),
}
