// SPDX-License-Identifier: Apache-2.0
/**
 * commands.ts - the commands of `weir` in the order of the help, each with its flags and its action.
 *
 * Never: imports what only one command needs before that command is called.
 */
import { type Command, Option } from 'commander'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import type { MonitorFlags } from './monitor-options.js'
import type { ObserveFlags } from './observe-options.js'
import { addInventoryFlag, addServerFlag } from './shared-flags.js'
import { type End, integerBetween } from './values.js'

const UINT32_MAX = 0xffff_ffff

interface CommandSpec {
  readonly description: string
  /** Adds flags and action to the command. */
  define(command: Command, end: End): void | Promise<void>
}

export const COMMANDS: Readonly<Record<string, CommandSpec>> = {
  run: {
    description: 'export the metrics of this node until SIGTERM',
    define: async (command, end) => (await import('./configured-commands.js')).addRun(command, end),
  },
  demo: {
    description: 'run on a lab of pods in network namespaces with real traffic until Ctrl-C (requires root)',
    define: async (command, end) => (await import('./configured-commands.js')).addDemo(command, end),
  },
  status: { description: 'show the status of a running Weir or Hubble', define: addStatus },
  identity: { description: 'show the labels of security identities', define: addIdentity },
  metrics: {
    description: 'print the metrics of a recording',
    define: async (command, end) => (await import('./configured-commands.js')).addMetrics(command, end),
  },
  monitor: { description: 'print raw records like cilium monitor', define: addMonitor },
  observe: { description: 'print flows like hubble observe', define: addObserve },
  record: {
    description: 'write the records of this node to a recording until SIGTERM',
    define: async (command, end) => (await import('./configured-commands.js')).addRecord(command, end),
  },
  'check-config': {
    description: 'check the configuration of weir run and print the settings in effect, or every problem',
    define: async (command, end) => (await import('./configured-commands.js')).addCheckConfig(command, end),
  },
  probe: {
    description:
      'check that the live source works on this machine, and print what its kernel lacks; exit with 1 if it does not',
    define: addProbe,
  },
}

function addStatus(command: Command, end: End): void {
  addServerFlag(command).action(async ({ server = DEFAULT_ADDRESS }: { server?: string }) => {
    const { status } = await import('./status.js')
    end(await status(server))
  })
}

function addIdentity(command: Command, end: End): void {
  const add = (usage: string, description: string) => addInventoryFlag(command.command(usage).description(description))
  add('list', 'list all known identities').action(async ({ inventory }: { inventory?: string }) => {
    const { identityList } = await import('./identity.js')
    end(identityList(inventory))
  })
  add('get', 'show one identity')
    .argument('<identity>', 'numeric identity', integerBetween(0, UINT32_MAX))
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
  command
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async ({ output }: { output: 'text' | 'json' }) => {
      const { probe } = await import('./probe.js')
      end(probe(output))
    })
}
