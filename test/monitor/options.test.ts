/**
 * options.test.ts - parsing of the flags of `weir monitor`.
 */
import { Command, CommanderError } from 'commander'
import t from 'tap'
import type { MonitorOptions } from '../../src/cli/monitor.js'
import { addMonitorFlags, type MonitorFlags, monitorOptions } from '../../src/cli/monitor-options.js'

function read(line: string): MonitorOptions {
  const command = addMonitorFlags(new Command('monitor'))
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  const words = ['--input-file', 'a.pcap', ...line.split(' ').filter(Boolean)]
  return monitorOptions(command.parse(words, { from: 'user' }).opts<MonitorFlags>())
}

const PLAIN: MonitorOptions = {
  inputFile: 'a.pcap',
  verbosity: 'info',
  hex: false,
  numeric: false,
  cpu: 1,
  types: [],
  from: [],
  to: [],
  relatedTo: [],
}

t.test('without flags, everything is printed at verbosity info', async t => {
  t.same(read(''), PLAIN)
})

t.test('the flags are those of cilium monitor', async t => {
  for (const [line, options] of [
    ['-v', { verbosity: 'debug' }],
    ['-vv', { verbosity: 'verbose' }],
    ['--verbose --verbose', { verbosity: 'verbose' }],
    ['-vvv', { verbosity: 'verbose' }],
    ['-j', { verbosity: 'json' }],
    ['-vv --json', { verbosity: 'json' }],
    ['-o json', { verbosity: 'json' }],
    ['--output text', {}],
    ['-vv --hex', { verbosity: 'verbose', hex: true }],
    ['-n', { numeric: true }],
    ['--numeric', { numeric: true }],
    ['-t drop -t trace-sock', { types: ['drop', 'trace-sock'] }],
    ['--type drop,policy-verdict --type l7', { types: ['drop', 'policy-verdict', 'l7'] }],
    ['--from 1 --from 2,65535', { from: [1, 2, 65_535] }],
    ['--to 0', { to: [0] }],
    ['--related-to 3', { relatedTo: [3] }],
    ['--cpu 12', { cpu: 12 }],
    ['--inventory inventory.yaml', { inventory: 'inventory.yaml' }],
  ] as const)
    t.same(read(line), { ...PLAIN, ...options }, line)
})

t.test('an invalid value is refused with what is allowed', async t => {
  for (const [line, ...words] of [
    ['-t recorder', '"recorder"', 'drop, debug, capture, trace, policy-verdict, trace-sock, l7, agent'],
    ['-t drop,', '""'],
    ['--from web', '--from', "'web'", '65535'],
    ['--to 65536', '--to', '65535'],
    ['--related-to -1', '--related-to', '65535'],
    ['-o yaml', 'yaml', 'text, json'],
    ['--cpu many', '--cpu', '8191'],
    ['--frob', '--frob'],
  ] as const) {
    t.throws(() => read(line), CommanderError, line)
    try {
      read(line)
    } catch (error) {
      for (const word of words) t.ok((error as Error).message.includes(word), `${(error as Error).message} has ${word}`)
    }
  }
})
