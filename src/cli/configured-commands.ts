// SPDX-License-Identifier: Apache-2.0
/**
 * configured-commands.ts - the commands with settings as flags: run, demo, metrics, record, check-config.
 *
 * Fail:  InvalidConfig with every problem of the configuration.
 * Never: imports the code of a command before its configuration has been checked.
 */
import { type Command, Option } from 'commander'
import type { Log } from '../agent/log.js'
import type { RunOptions } from '../agent/options/run-options.js'
import type { Configuration } from '../agent/reload/config-reload.js'
import { Sighup } from '../agent/reload/sighup.js'
import type { Loaded } from '../config/load.js'
import { file as configFile, SETTINGS } from '../config/schema.js'
import { exposition } from '../config/settings/exposition.js'
import { hubble } from '../config/settings/hubble.js'
import { kubernetes } from '../config/settings/kubernetes.js'
import { log as logSettings } from '../config/settings/log.js'
import { metrics as flowMetrics } from '../config/settings/metrics.js'
import { names } from '../config/settings/names.js'
import { live } from '../config/settings/source.js'
import { web } from '../config/settings/web.js'
import { RecentLines } from '../exporter/http/recent-lines.js'
import { addSettings, loaded } from './setting-flags.js'
import { durationBetween, type End, file } from './values.js'

const DAY_MS = 86_400_000
/** The lab decides the other Kubernetes settings. */
const fromKubernetes = { kubernetes: kubernetes.kubernetes }

/** A command that serves until a signal; resolves to its exit code. */
type Serve = (options: RunOptions, log: Log, configuration: Configuration) => Promise<number>

export function addRun(command: Command, end: End): void {
  addSettings(command, SETTINGS).action(async () =>
    end(await serve(command, async () => (await import('../agent/run.js')).run)),
  )
}

export function addDemo(command: Command, end: End): void {
  addSettings(command, configFile, fromKubernetes, web, exposition, logSettings).action(async () =>
    end(await serve(command, async () => (await import('./demo.js')).demo)),
  )
}

interface MetricsFlags {
  readonly inputFile: string
  readonly dryRun?: boolean
  readonly output: 'table' | 'json'
}

export function addMetrics(command: Command, end: End): void {
  command
    .requiredOption('--input-file <file>', 'recording to read: pcap, link type 147, may be gzipped', file)
    .option('--dry-run', 'print the number of series of each flow family and label instead of the metrics')
    .addOption(
      new Option('-o, --output <format>', 'output format of --dry-run').choices(['table', 'json']).default('table'),
    )
  addSettings(command, configFile, names, hubble, flowMetrics).action(async (flags: MetricsFlags) => {
    const { config } = loaded(command)
    const { hubbleOptions } = await import('../agent/options/hubble-options.js')
    const { metricsOptions } = await import('../agent/options/config-options.js')
    const { metrics } = await import('./metrics.js')
    const code = await metrics({
      ...hubbleOptions(config),
      inputFile: flags.inputFile,
      inventory: config.inventory,
      metrics: metricsOptions(config),
      ...(flags.dryRun && { dryRun: flags.output }),
    })
    end(code)
  })
}

export function addRecord(command: Command, end: End): void {
  command
    .requiredOption('-o, --output <file>', 'recording to write', file)
    .option('--duration <duration>', 'stop after this time', durationBetween(1, DAY_MS))
  addSettings(command, configFile, live, names, logSettings).action(
    async ({ output, duration }: { output: string; duration?: number }) => {
      const first = loaded(command)
      const log = await openLog(first)
      const { config } = first
      const { liveOptions } = await import('../agent/options/config-options.js')
      const { record } = await import('./record.js')
      end(await record({ ...liveOptions(config), output, duration, inventory: config.inventory }, log))
    },
  )
}

export function addCheckConfig(command: Command, end: End): void {
  command.argument('[file]', 'settings file, in place of --config.file', file)
  addSettings(command, SETTINGS).action(async (path: string | undefined) => {
    const { checkConfig } = await import('./check-config.js')
    end(checkConfig(path === undefined ? loaded(command) : loaded(command, path)))
  })
}

/** Runs a command that serves until a signal. `main` is loaded once the configuration has been checked. */
async function serve(command: Command, main: () => Promise<Serve>): Promise<number> {
  const sighup = new Sighup()
  const first = loaded(command)
  const recent = new RecentLines()
  const log = await openLog(first, recent)
  const { runOptions } = await import('../agent/options/config-options.js')
  const options = { ...runOptions(first.config, warning => log.warn(warning)), recent }
  const body = await main()
  return body(options, log, { loaded: first, reload: () => loaded(command), sighup })
}

async function openLog({ config, warnings }: Loaded, recent?: RecentLines): Promise<Log> {
  const { createLog } = await import('../agent/log.js')
  const log = createLog(config['log.level'], config['log.format'], recent)
  for (const warning of warnings) log.warn(warning)
  return log
}
