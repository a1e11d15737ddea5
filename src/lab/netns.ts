// SPDX-License-Identifier: Apache-2.0
/**
 * netns.ts - network namespaces by name, and the processes in them.
 *
 * In:    names as in `ip netns`, files in /run/netns.
 * Fail:  an Error with the message of `ip`, or with the pids of processes that survived SIGKILL.
 * Never: touches other namespaces than those given by name, nor processes in them.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { must, run } from './process.js'

const DIRECTORY = '/run/netns'
const KILL_DEADLINE_MS = 5_000

/** The file of a namespace, for `--netns` and setns(2). */
export function netnsPath(name: string): string {
  return `${DIRECTORY}/${name}`
}

/** The argv that runs `argv` in a namespace; `ip` execs the program, so the child's pid is that of the program. */
export function inNetns(name: string, argv: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', name, ...argv]
}

/** Runs many commands in one `ip` process. Stops at the first failure; the error contains its line number. */
export async function ipBatch(lines: readonly string[], netns?: string): Promise<void> {
  const where = netns === undefined ? [] : ['-n', netns]
  await must(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** Names of all network namespaces of the machine. */
export function listNetns(): string[] {
  try {
    return readdirSync(DIRECTORY)
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw reason
  }
}

/** Deletes the namespaces that still exist, in one process. Another process may delete some at the same time. */
export async function deleteNetns(names: readonly string[]): Promise<void> {
  const input = deletions(names)
  if (input === '') return
  const { stderr } = await run(['ip', '-force', '-batch', '-'], { input })
  const left = listNetns().filter(name => names.includes(name))
  if (left.length > 0) throw new Error(`namespaces ${left.join(', ')} are still there: ${stderr.trim()}`)
}

/** killIn() and deleteNetns() for the exit of this process, where nothing can be awaited and no error be reported. */
export function deleteNetnsSync(names: readonly string[]): void {
  for (const pid of pidsIn(names)) kill(pid)
  const input = deletions(names)
  if (input !== '') spawnSync('ip', ['-force', '-batch', '-'], { input, timeout: KILL_DEADLINE_MS })
}

/** Kills every process in the namespaces except this one, and waits until they are gone. */
export async function killIn(names: readonly string[]): Promise<void> {
  const deadline = Date.now() + KILL_DEADLINE_MS
  for (let pids = pidsIn(names); pids.length > 0; pids = pidsIn(names)) {
    if (Date.now() > deadline)
      throw new Error(`processes ${pids.join(', ')} outlived SIGKILL by ${KILL_DEADLINE_MS} ms`)
    for (const pid of pids) kill(pid)
    await sleep(5)
  }
}

/** Processes in any of the namespaces. Scans /proc once; `ip netns pids` would scan it once per name. */
function pidsIn(names: readonly string[]): number[] {
  const wanted = new Set(names.map(name => namespaceId(netnsPath(name))))
  wanted.delete(undefined)
  if (wanted.size === 0) return []
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter(pid => pid !== process.pid && wanted.has(namespaceId(`/proc/${pid}/ns/net`)))
}

/** Device and inode identify a namespace; undefined when the file or the process is gone. */
function namespaceId(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (reason) {
    // The process may have exited since it was found.
    if ((reason as NodeJS.ErrnoException).code !== 'ESRCH') throw reason
  }
}

function deletions(names: readonly string[]): string {
  const there = new Set(listNetns())
  return names
    .filter(name => there.has(name))
    .map(name => `netns del ${name}\n`)
    .join('')
}
