/**
 * packet-time.ts - the time a packet left a pod, from the output of the program that sent it. The program's own start is not
 * part of the figure.
 *
 * In:    a pod; ping and curl.
 * Out:   milliseconds since 1970 on the machine's clock. ping -D prints the time of the reply and the round trip; curl prints
 *        the time it starts to connect, some microseconds before its SYN. The fraction of a second in curl 7.88 is from its
 *        monotonic clock, not from the time of day (src/tool_cb_dbg.c), so only that fraction is used.
 * Fail:  an Error with the program's own message.
 */
import type { Pod } from '../src/lab/pod.js'

const SECOND_MS = 1_000

/** Sends one echo request. */
export async function pingTime(from: Pod, address: string): Promise<number> {
  const { stdout, stderr } = await from.exec(['ping', '-D', '-n', '-c', '1', '-W', '1', address])
  const found = /^\[(\d+\.\d+)\] .*time=([\d.]+) ms$/m.exec(stdout)
  if (found === null) throw new Error(`ping ${address}: ${stderr.trim() || stdout.trim()}`)
  return Number(found[1]) * 1000 - Number(found[2])
}

/** Sends the SYN of one request. No answer within `seconds`, which must be less than one, is not an error. */
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

/** The last time the monotonic clock was at this millisecond of a second, less than a second ago. */
function lastTime(ms: number): number {
  const monotonic = Number(process.hrtime.bigint() / 1_000n) / 1_000
  return Date.now() - ((monotonic - ms + SECOND_MS) % SECOND_MS)
}
