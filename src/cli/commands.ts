/**
 * commands.ts - the commands of `weir` in the order of help: what each is for, and where its flags and its work are.
 *
 * Never: imports what a single command needs before that command is called.
 */
import type { Command } from 'commander'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import type { MonitorFlags } from './monitor-options.js'
import type { ObserveFlags } from './observe-options.js'
import { addServerFlag } from './server-flag.js'
import { file, integerBetween } from './values.js'

const UINT32_MAX = 0xffff_ffff
const INVENTORY_HELP = 'who is who, JSON or YAML (default: this host and the world)'

/** Told the exit code of a command that ended. */
export type End = (code: number) => void

interface Words {
  readonly description: string
  /** Give the command its flags, and what it does. */
  fill(command: Command, end: End): void | Promise<void>
}

export const COMMANDS: Readonly<Record<string, Words>> = {
  run: {
    description: 'serve the metrics of this node until SIGTERM',
    fill: async (...its) => (await import('./configured-commands.js')).addRun(...its),
  },
  demo: {
    description: 'build a lab of pods in network namespaces with real traffic, and run on it until Ctrl-C (needs root)',
    fill: async (...its) => (await import('./configured-commands.js')).addDemo(...its),
  },
  status: { description: 'say how a running Weir, or a Hubble, is doing', fill: addStatus },
  identity: { description: 'say which labels an identity stands for', fill: addIdentity },
  metrics: {
    description: 'reduce a recording and print the exposition',
    fill: async (...its) => (await import('./configured-commands.js')).addMetrics(...its),
  },
  monitor: { description: 'print raw records as cilium monitor does', fill: addMonitor },
  observe: { description: 'print flows as hubble observe does', fill: addObserve },
  record: {
    description: 'write the records of this node to a recording until SIGTERM',
    fill: async (...its) => (await import('./configured-commands.js')).addRecord(...its),
  },
  'check-config': {
    description: 'say what a configuration comes to, as weir run would read it, or everything that is wrong with it',
    fill: async (...its) => (await import('./configured-commands.js')).addCheckConfig(...its),
  },
  probe: { description: 'say whether the live source can run here: exit code 0, or 1 and why not', fill: addProbe },
}

function addStatus(command: Command, end: End): void {
  addServerFlag(command).action(async ({ server = DEFAULT_ADDRESS }: { server?: string }) => {
    const { status } = await import('./status.js')
    end(await status(server))
  })
}

function addIdentity(command: Command, end: End): void {
  const add = (usage: string, description: string) =>
    command.command(usage).description(description).option('--inventory <file>', INVENTORY_HELP, file)
  add('list', 'all that are known').action(async ({ inventory }: { inventory?: string }) => {
    const { identityList } = await import('./identity.js')
    end(identityList(inventory))
  })
  add('get', 'one of them')
    .argument('<identity>', 'its number', integerBetween(0, UINT32_MAX))
    .action(async (identity: number, { inventory }: { inventory?: string }) => {
      const { identityGet } = await import('./identity.js')
      end(identityGet(identity, inventory))
    })
}

async function addMonitor(command: Command, end: End): Promise<void> {
  const { addMonitorFlags, monitorOptions } = await import('./monitor-options.js')
  addMonitorFlags(command).action(async (flags: MonitorFlags) => {
    const { monitor } = await import('./monitor.js')
    end(await monitor(monitorOptions(flags)))
  })
}

async function addObserve(command: Command, end: End): Promise<void> {
  const { addFilterFlags, addObserveFlags, observeOptions } = await import('./observe-options.js')
  const filters = addFilterFlags(addObserveFlags(command))
  command.action(async (flags: ObserveFlags) => {
    const { observe } = await import('./observe.js')
    end(await observe(observeOptions(command, flags, filters)))
  })
}

function addProbe(command: Command, end: End): void {
  command.action(async () => {
    const { probe } = await import('./probe.js')
    end(probe())
  })
}
