/**
 * packet-time.ts - when a packet left a pod, as the program that sent it tells: what starts before it is not in the figure.
 *
 * In:    a pod; ping and curl.
 * Out:   milliseconds since 1970 by the machine's clock. ping -D tells when the reply came and how long it took; curl tells
 *        when it began to connect, which is some microseconds before its SYN.
 * Fail:  an Error with the program's own words.
 */
import type { Pod } from '../src/lab/pod.js'

const DAY_MS = 86_400_000

/** One echo request. */
export async function pingTime(from: Pod, address: string): Promise<number> {
  const { stdout, stderr } = await from.exec(['ping', '-D', '-n', '-c', '1', '-W', '1', address])
  const found = /^\[(\d+\.\d+)\] .*time=([\d.]+) ms$/m.exec(stdout)
  if (found === null) throw new Error(`ping ${address}: ${stderr.trim() || stdout.trim()}`)
  return Number(found[1]) * 1000 - Number(found[2])
}

/** The SYN of one request; that nobody answers it within `seconds` is no failure. */
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
  const found = /^(\d\d):(\d\d):(\d\d\.\d+) \*\s+Trying /m.exec(stderr)
  if (found === null) throw new Error(`curl ${url}: ${stderr.trim()}`)
  return onThisDay(((Number(found[1]) * 60 + Number(found[2])) * 60 + Number(found[3])) * 1000)
}

/** A time of the day that is not long ago. */
function onThisDay(ms: number): number {
  const now = Date.now()
  const found = now - (now % DAY_MS) + ms
  return found > now + 1000 ? found - DAY_MS : found
}
