/**
 * process.ts - process and runtime metrics: CPU, memory, file descriptors, event loop, heap, garbage collection.
 *
 * In:    nothing; prom-client reads /proc/self and node:perf_hooks.
 * Out:   exposition text, to stand behind our own.
 * Never: is imported elsewhere for prom-client: this is its only door.
 *
 * prom-client is loaded when first asked for: commands that never serve a page do not pay its 13 MB (resident).
 */

/** Gauges whose names end in _total: promtool refuses them, and the same names without it add up to them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** A function that reads the metrics of this process now. Call it once: its event loop monitor never stops. */
export async function processMetrics(): Promise<() => Promise<string>> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  // prom-client writes `Nan` (an event loop lag without a sample since the last page); the format has NaN.
  return async () => (await registry.metrics()).replace(/ Nan$/gm, ' NaN')
}
