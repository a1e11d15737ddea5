#!/usr/bin/env node
/**
 * main.ts - the command `weir`: its words, and the only process.exit of a command that ended.
 *
 * Exit:  0 done, 1 failure, 2 wrong usage; one line on stderr says what, of a configuration one for each thing.
 */
import { Command, CommanderError, Option } from 'commander'
import { DEFAULT_ADDRESS } from '../api/address.js'
import { exposition } from '../config/exposition.js'
import { hubble } from '../config/hubble.js'
import { kubernetes } from '../config/kubernetes.js'
import { log as logSettings } from '../config/log.js'
import { metrics as flowMetrics } from '../config/metrics.js'
import { names } from '../config/names.js'
import { describe, RefusedConfig } from '../config/problem.js'
import { type Config, file as configFile, SETTINGS } from '../config/schema.js'
import { live } from '../config/source.js'
import { web } from '../config/web.js'
import { RecentLines } from '../exporter/recent-lines.js'
import { addServerFlag } from './api-options.js'
import { Hangups } from './hangups.js'
import { hubbleOptions } from './hubble-options.js'
import { createLog, type Log } from './log.js'
import { addMonitorFlags, type MonitorFlags, monitorOptions } from './monitor-options.js'
import { addFilterFlags, addObserveFlags, type ObserveFlags, observeOptions } from './observe-options.js'
import { liveOptions, metricsOptions, runOptions } from './options.js'
import { systemWords } from './os-error.js'
import type { Configuration } from './reload.js'
import { addSettings, loaded } from './settings.js'
import { durationBetween, file, integerBetween } from './values.js'
import { BUILD_LINES } from './version.js'

const OK = 0
const FAILURE = 1
const USAGE = 2
const UINT32_MAX = 0xffff_ffff
const DAY_MS = 86_400_000
/** Of the lab there is nothing else to say. */
const fromKubernetes = { kubernetes: kubernetes.kubernetes }
const WORLD_HELP = 'who is who, JSON or YAML (default: this host and the world)'

let exitCode = OK

function build(): Command {
  const program = new Command('weir')
  program
    .description('Exact network flow metrics of a Kubernetes node, for Prometheus.')
    .version(BUILD_LINES)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`weir: ${refusal(program, text)}\n`) })
    .exitOverride()
  addRun(program)
  addDemo(program)
  addStatus(program)
  addIdentity(program)
  addMetrics(program)
  addMonitor(program)
  addObserve(program)
  addRecord(program)
  addCheckConfig(program)
  addProbe(program)
  return program
}

function addRun(program: Command): void {
  const command = program.command('run').description('serve the metrics of this node until SIGTERM')
  addSettings(command, SETTINGS).action(async () => {
    const hangups = new Hangups()
    const { config, log, recent, configuration } = begin(command)
    const { run } = await import('./run.js')
    exitCode = await run({ ...runOptions(config), recent }, log, { ...configuration, hangups })
  })
}

function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('build a lab of pods in network namespaces with real traffic, and run on it until Ctrl-C (needs root)')
  addSettings(command, configFile, fromKubernetes, web, exposition, logSettings).action(async () => {
    const hangups = new Hangups()
    const { config, log, recent, configuration } = begin(command)
    const { demo } = await import('./demo.js')
    exitCode = await demo({ ...runOptions(config), recent }, log, { ...configuration, hangups })
  })
}

function addStatus(program: Command): void {
  const command = program.command('status').description('say how a running Weir, or a Hubble, is doing')
  addServerFlag(command).action(async ({ server = DEFAULT_ADDRESS }: { server?: string }) => {
    const { status } = await import('./status.js')
    exitCode = await status(server)
  })
}

function addIdentity(program: Command): void {
  const command = program.command('identity').description('say which labels an identity stands for')
  const add = (usage: string, description: string) =>
    command.command(usage).description(description).option('--world <file>', WORLD_HELP, file)
  add('list', 'all that are known').action(async ({ world }: { world?: string }) => {
    const { identityList } = await import('./identity.js')
    exitCode = identityList(world)
  })
  add('get', 'one of them')
    .argument('<identity>', 'its number', integerBetween(0, UINT32_MAX))
    .action(async (identity: number, { world }: { world?: string }) => {
      const { identityGet } = await import('./identity.js')
      exitCode = identityGet(identity, world)
    })
}

interface MetricsFlags {
  readonly inputFile: string
  readonly dryRun?: boolean
  readonly output: 'table' | 'json'
}

function addMetrics(program: Command): void {
  const command = program
    .command('metrics')
    .description('reduce a recording and print the exposition')
    .requiredOption('--input-file <file>', 'a recording: pcap, link type 147, gzip or not', file)
    .option('--dry-run', 'print what each flow family would cost in series, and each of its labels')
    .addOption(new Option('-o, --output <format>', 'of --dry-run').choices(['table', 'json']).default('table'))
  addSettings(command, configFile, names, hubble, flowMetrics).action(async (flags: MetricsFlags) => {
    const { config } = loaded(command)
    const { metrics } = await import('./metrics.js')
    exitCode = await metrics({
      ...hubbleOptions(config),
      inputFile: flags.inputFile,
      world: config.world,
      metrics: metricsOptions(config),
      ...(flags.dryRun && { dryRun: flags.output }),
    })
  })
}

function addMonitor(program: Command): void {
  const command = program.command('monitor').description('print raw records as cilium monitor does')
  addMonitorFlags(command).action(async (flags: MonitorFlags) => {
    const { monitor } = await import('./monitor.js')
    exitCode = await monitor(monitorOptions(flags))
  })
}

function addObserve(program: Command): void {
  const command = program.command('observe').description('print flows as hubble observe does')
  const filters = addFilterFlags(addObserveFlags(command))
  command.action(async (flags: ObserveFlags) => {
    const { observe } = await import('./observe.js')
    exitCode = await observe(observeOptions(command, flags, filters))
  })
}

function addRecord(program: Command): void {
  const command = program
    .command('record')
    .description('write the records of this node to a recording until SIGTERM')
    .requiredOption('-o, --output <file>', 'the recording', file)
    .option('--duration <duration>', 'stop by itself after so long', durationBetween(1, DAY_MS))
  addSettings(command, configFile, live, names, logSettings).action(
    async ({ output, duration }: { output: string; duration?: number }) => {
      const { config, log } = begin(command)
      const { record } = await import('./record.js')
      exitCode = await record({ ...liveOptions(config), output, duration, world: config.world }, log)
    },
  )
}

function addCheckConfig(program: Command): void {
  const command = program
    .command('check-config')
    .description('say what a configuration comes to, as weir run would read it, or everything that is wrong with it')
    .argument('[file]', 'in place of --config.file', file)
  addSettings(command, SETTINGS).action(async (path: string | undefined) => {
    const { checkConfig } = await import('./check-config.js')
    exitCode = checkConfig(path === undefined ? loaded(command) : loaded(command, path))
  })
}

function addProbe(program: Command): void {
  program
    .command('probe')
    .description('say whether the live source can run here: exit code 0, or 1 and why not')
    .action(async () => {
      const { probe } = await import('./probe.js')
      exitCode = probe()
    })
}

/** The configuration of a command that logs. */
function begin(command: Command): {
  config: Config
  log: Log
  recent: RecentLines
  configuration: Omit<Configuration, 'hangups'>
} {
  const configuration = { loaded: loaded(command), again: () => loaded(command) }
  const { config, warnings } = configuration.loaded
  const recent = new RecentLines()
  const log = createLog(config['log.level'], config['log.format'], recent)
  for (const warning of warnings) log.warn(warning)
  return { config, log, recent, configuration }
}

/** The parser's words on one line, with what is allowed where it does not say so. */
function refusal(program: Command, text: string): string {
  const commands = program.commands.map(command => command.name())
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
  if (line.startsWith('unknown command')) return `${line}; allowed: ${commands.join(', ')}`
  if (!line.startsWith('unknown option')) return line
  const command = process.argv.slice(2).find(word => commands.includes(word))
  return `${line}; allowed: what weir ${command === undefined ? '' : `${command} `}--help lists`
}

/** A reader that has seen enough (`| head`) is no failure; other trouble with stdout is. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(OK)
  process.stderr.write(`weir: standard output: ${systemWords(error)}\n`)
  process.exit(FAILURE)
})

try {
  await build().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    exitCode = error.exitCode === 0 ? OK : USAGE
  } else if (error instanceof RefusedConfig) {
    for (const problem of error.problems) process.stderr.write(`weir: ${describe(problem)}\n`)
    exitCode = USAGE
  } else {
    process.stderr.write(`weir: ${(error as Error).message.replaceAll('\n', ' ')}\n`)
    exitCode = FAILURE
  }
}
process.exit(exitCode)
