#!/usr/bin/env node
/**
 * main.ts - the command `weir`: its words, and the only process.exit of a command that ended.
 *
 * Exit:  0 done, 1 failure, 2 wrong usage; one line on stderr says what, of a configuration one for each thing.
 */
import { Command, CommanderError } from 'commander'
import { describe, InvalidConfig } from '../config/problem.js'
import { systemWords } from '../lib/os-error.js'
import { BUILD_LINES } from '../lib/version.js'
import { COMMANDS } from './commands.js'

// A stack trace names the .ts line.
process.setSourceMapsEnabled(true)

const OK = 0
const FAILURE = 1
const USAGE = 2

let exitCode = OK

/** Flags only of the command that is called, for their modules take longer to load than most commands to do what they do. */
async function build(): Promise<Command> {
  const program = new Command('weir')
  program
    .description('Exact network flow metrics of a Kubernetes node, for Prometheus.')
    .version(BUILD_LINES)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`weir: ${refusal(program, text)}\n`) })
    .exitOverride()
  const called = calledOf(Object.keys(COMMANDS))
  for (const [name, { description, fill }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description)
    // Without one, help lists them all, and says which have flags.
    if (called === undefined || called === name) await fill(command, code => (exitCode = code))
  }
  return program
}

/** The command that the command line names, `help NAME` too. */
function calledOf(commands: readonly string[]): string | undefined {
  return process.argv.slice(2).find(word => commands.includes(word))
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
  const command = calledOf(commands)
  return `${line}; allowed: what weir ${command === undefined ? '' : `${command} `}--help lists`
}

/** A reader that has seen enough (`| head`) is no failure; other trouble with stdout is. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(OK)
  process.stderr.write(`weir: standard output: ${systemWords(error)}\n`)
  process.exit(FAILURE)
})

try {
  await (await build()).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    exitCode = error.exitCode === 0 ? OK : USAGE
  } else if (error instanceof InvalidConfig) {
    for (const problem of error.problems) process.stderr.write(`weir: ${describe(problem)}\n`)
    exitCode = USAGE
  } else {
    process.stderr.write(`weir: ${(error as Error).message.replaceAll('\n', ' ')}\n`)
    exitCode = FAILURE
  }
}
process.exit(exitCode)
