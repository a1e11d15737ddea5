// SPDX-License-Identifier: Apache-2.0
/**
 * load.ts - loads an object; explains a program that the kernel refuses in one line.
 *
 * Out:   the object. Of a refused program the verifier's log of each instruction, in a file of at most 1 MiB.
 * Fail:  a Refusal whose message names program, kernel, error, and where the log is; other errors as openObject() throws them.
 * Never: loads a program again that took the verifier long: at its million instructions it uses a gigabyte of kernel memory.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BpfObject, Native, ObjectOptions, Refusal } from './native.js'

/** A load that fails faster than this, in CPU time, may be repeated for its log. */
const QUICK_US = 1_000_000
const TOO_SLOW = 'no verifier log, which would take many seconds and much memory again'
const VERIFIER_LOG = join(tmpdir(), 'weir-verifier.log')

type Opener = Pick<Native, 'openObject'>

export interface LoadOptions {
  /** Where the log of a refused program goes. */
  readonly logFile?: string
  /** CPU time of this process in microseconds. */
  readonly cpuUs?: () => number
}

export function loadObject(
  native: Opener,
  path: string,
  options: ObjectOptions,
  { logFile = VERIFIER_LOG, cpuUs = ownCpuUs }: LoadOptions = {},
): BpfObject {
  const start = cpuUs()
  try {
    return native.openObject(path, options)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const quick = cpuUs() - start < QUICK_US
    throw explain(error, quick ? save(fullLog(native, path, options) ?? error.verifierLog, logFile) : TOO_SLOW)
  }
}

function ownCpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** undefined: this time the kernel accepted it, or failed in another way. */
function fullLog(native: Opener, path: string, options: ObjectOptions): string | undefined {
  try {
    native.openObject(path, { ...options, verifierLog: true }).close()
  } catch (error) {
    if (isRefusal(error)) return error.verifierLog
  }
  return undefined
}

/** Returns where it is, or why it is nowhere. A new file: another user may have put a link there. */
function save(log: string, file: string): string {
  try {
    rmSync(file, { force: true })
    writeFileSync(file, log, { flag: 'wx', mode: 0o600 })
    return `verifier log: ${file}`
  } catch (error) {
    return `the verifier log cannot be written: ${(error as Error).message}`
  }
}

function explain(error: Refusal, log: string): Refusal {
  const { code, errno, syscall, program, verifierLog } = error
  const message = `Linux ${release()} refuses the program ${program}: ${error.message}; ${log}`
  return Object.assign(new Error(message), { code, errno, syscall, program, verifierLog }) as Refusal
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && 'program' in error
}
