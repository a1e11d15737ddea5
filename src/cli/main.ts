#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/**
 * main.ts - the command `weir`: parses the command line, runs a command and exits with its code.
 *
 * Exit:  0 success, 1 failure, 2 usage error; with one line on stderr, or one per problem of a configuration.
 */
import { Command, CommanderError } from 'commander'
import { describe, InvalidConfig } from '../config/problem.js'
import { systemWords } from '../lib/os-error.js'
import { plainText } from '../lib/plain-text.js'
import { BUILD_LINES } from '../lib/version.js'
import { COMMANDS } from './commands.js'

// A stack trace names the .ts line.
process.setSourceMapsEnabled(true)

const OK = 0
const FAILURE = 1
const USAGE = 2

let exitCode = OK

/** Adds flags only to the called command: loading the modules of all flags takes longer than most commands run. */
async function build(): Promise<Command> {
  const program = new Command('weir')
  program
    .description('Exact network flow metrics of a Kubernetes node, for Prometheus.')
    .version(BUILD_LINES)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`weir: ${plainText(usageError(program, text))}\n`) })
    .exitOverride()
  const called = calledOf(Object.keys(COMMANDS))
  for (const [name, { description, define }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description)
    // Without a command, the help lists all commands and shows which have flags.
    if (called === undefined || called === name) await define(command, code => (exitCode = code))
  }
  return program
}

/** The command on the command line, also after `help`. */
function calledOf(commands: readonly string[]): string | undefined {
  return process.argv.slice(2).find(word => commands.includes(word))
}

/** Commander's message on one line, completed by what is allowed. */
function usageError(program: Command, text: string): string {
  const commands = program.commands.map(command => command.name())
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
  if (line.startsWith('unknown command')) return `${line}; allowed: ${commands.join(', ')}`
  if (!line.startsWith('unknown option')) return line
  const command = calledOf(commands)
  return `${line}; see weir ${command === undefined ? '' : `${command} `}--help`
}

/** A closed pipe (`| head`) is not a failure; other errors of stdout are. */
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
    for (const problem of error.problems) process.stderr.write(`weir: ${plainText(describe(problem))}\n`)
    exitCode = USAGE
  } else {
    process.stderr.write(`weir: ${plainText((error as Error).message.replaceAll('\n', ' '))}\n`)
    exitCode = FAILURE
  }
}
process.exit(exitCode)
