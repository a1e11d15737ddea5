/**
 * packet-time.ts - when a packet left a pod, as the program that sent it tells: what starts before it is not in the figure.
 *
 * In:    a pod; ping and curl.
 * Out:   milliseconds since 1970 by the machine's clock. ping -D tells when the reply came and how long it took; curl tells
 *        when it began to connect, which is some microseconds before its SYN. Below a second curl 7.88 tells its monotonic
 *        clock, whatever the time of the day is (src/tool_cb_dbg.c), so that is what is read.
 * Fail:  an Error with the program's own words.
 */
import type { Pod } from '../src/lab/pod.js'

const SECOND_MS = 1_000

/** One echo request. */
export async function pingTime(from: Pod, address: string): Promise<number> {
  const { stdout, stderr } = await from.exec(['ping', '-D', '-n', '-c', '1', '-W', '1', address])
  const found = /^\[(\d+\.\d+)\] .*time=([\d.]+) ms$/m.exec(stdout)
  if (found === null) throw new Error(`ping ${address}: ${stderr.trim() || stdout.trim()}`)
  return Number(found[1]) * 1000 - Number(found[2])
}

/** The SYN of one request; that nobody answers it within `seconds`, less than one, is no failure. */
export async function connectTime(from: Pod, url: string, seconds: number): Promise<number> {
  const argv = [
    'env',
    'TZ=UTC',
    'curl',
    '-sS',
    '-v',
    '--trace-time',
    '--connect-timeout',
    String(seconds),
    '-o',
    '/dev/null',
    url,
  ]
  const { stderr } = await from.exec(argv)
  const found = /^\d\d:\d\d:\d\d(\.\d+) \*\s+Trying /m.exec(stderr)
  if (found === null) throw new Error(`curl ${url}: ${stderr.trim()}`)
  return lastTime(Number(found[1]) * SECOND_MS)
}

/** When the monotonic clock last had so many milliseconds of a second: less than a second ago. */
function lastTime(ms: number): number {
  const monotonic = Number(process.hrtime.bigint() / 1_000n) / 1_000
  return Date.now() - ((monotonic - ms + SECOND_MS) % SECOND_MS)
}
