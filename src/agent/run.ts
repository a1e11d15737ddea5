// SPDX-License-Identifier: Apache-2.0
/**
 * run.ts - runs the exporter until a signal.
 *
 * Order: files, listen addresses, source. An error in any of them ends the start before a packet is touched.
 * Stop:  SIGTERM or SIGINT: detach, finish open scrapes, return 0. A second signal exits at once.
 */
import { processMetrics } from '../exporter/http/process.js'
import { createServer, type ServerOptions, type WeirServer } from '../exporter/http/server.js'
import { resolvesWithin } from '../lib/deadline.js'
import { VERSION } from '../lib/version.js'
import { Agent } from './agent.js'
import { otherStores } from './exporter.js'
import type { Log } from './log.js'
import type { RunOptions } from './options/run-options.js'
import type { Configuration } from './reload/config-reload.js'
import { collectingOf, type Setup, setUp } from './setup.js'
import { exitOnNextSignal, stopSignal } from './stop-signal.js'

/** For detaching and open scrapes. */
const STOP_MS = 1500
/** After this time the process ends, whatever is still open; it has 2 s in all. */
const EXIT_MS = 1800

/** Returns the exit code after a signal. */
export async function run(options: RunOptions, log: Log, configuration: Configuration): Promise<number> {
  const signal = stopSignal() // before the start, so that a signal during it still detaches what is attached
  const setup = setUp(options, log)
  // The server listens first, so that an address in use is reported before anything is attached.
  let agent: Agent | undefined
  const server = createServer(await serverOptions(setup, () => agent))
  try {
    const urls = await listen(server, options)
    agent = new Agent(setup, configuration)
    await agent.start()
    for (const url of urls) log.info({ version: VERSION, source: sourceName(options), url }, 'listening')
    await Promise.race([signal, agent.connect()])
  } catch (error) {
    await agent?.stop(0)
    await server.close(0)
    throw error
  }
  log.info({ signal: await signal }, 'stopping')
  const stopped = await resolvesWithin(stop(agent, server), EXIT_MS)
  if (!stopped) log.warn('stopping took too long; what is still open is cut off')
  setup.limit.close()
  return 0
}

/** `agent`: undefined until the source has started. */
async function serverOptions(setup: Setup, agent: () => Agent | undefined): Promise<ServerOptions> {
  const { options, exporter, web } = setup
  const reload = async () => agent()?.reloadConfig() ?? 'Weir is starting'
  const notReady = () => {
    const running = agent()
    return running === undefined ? 'starting' : running.notReady
  }
  return {
    ...collectingOf(setup, () => agent()?.collect()),
    web,
    telemetryPath: options.telemetryPath,
    otherStores: () => otherStores(exporter),
    maxRequests: options.maxRequests,
    onScrapeRefused: (reason, peer) => web.onRefused?.(reason, peer),
    created: options.created,
    ...(options.exporterMetrics && { processText: await processMetrics() }),
    ...(options.lifecycle && { reload }),
    ready: notReady,
    version: VERSION,
    rates: () => agent()?.rates() ?? [],
    lines: () => options.recent?.list() ?? [],
    status: () => agent()?.status() ?? [],
  }
}

/** Returns the URLs, or `none` if nothing listens. */
async function listen(server: WeirServer, { web, listenAddresses }: RunOptions): Promise<readonly string[]> {
  if (!web) return ['none']
  const urls: string[] = []
  for (const address of listenAddresses) urls.push(await server.listen(address))
  return urls
}

async function stop(agent: Agent, server: WeirServer): Promise<void> {
  const start = performance.now()
  exitOnNextSignal()
  const stopped = agent.stop(STOP_MS)
  await server.close(Math.max(0, STOP_MS - (performance.now() - start)))
  await stopped
}

function sourceName({ source }: RunOptions): string {
  return source.kind === 'live' ? 'live' : `replay:${source.file}`
}
