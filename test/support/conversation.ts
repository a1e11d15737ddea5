/**
 * conversation.ts - TCP and UDP packets of two pods, run by the programs of a source in this process.
 *
 * In:    lines such as `ab SA 100`: from the pod to its peer or the reverse, TCP flags (`-` for UDP), bytes of data.
 * Out:   Weir without an interface, so that only these packets are counted, all at the pod's interface.
 */
import { writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp, udp } from './ethernet.js'
import { type InProcess, type InProcessOptions, inProcess } from './in-process.js'

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const [A, B] = ['10.88.0.2', '10.88.0.3']
const TCP = 6
const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 }
const NS_PER_MS = 1_000_000
const IDLE = ['idle_tcp_ns', 'idle_opening_ns', 'idle_closing_ns', 'idle_closed_ns', 'idle_other_ns'] as const

/** Labels of packets and connections from the pod `alpha` to `beta`. */
export const ALPHA_BETA = { source_workload: 'alpha', destination_workload: 'beta' } as const
export const BETA_ALPHA = { source_workload: 'beta', destination_workload: 'alpha' } as const

export async function conversations(t: Test, options: InProcessOptions = {}): Promise<InProcess> {
  const inventory = `${t.testdir()}/inventory.json`
  const endpoints = ['alpha', 'beta'].map((name, i) => ({
    id: i + 1,
    ips: [[A, B][i]],
    identity: 1000 + i,
    namespace: 'talk',
    pod: `${name}-0`,
    workload: { kind: 'Deployment', name },
    local: true,
  }))
  writeFileSync(inventory, JSON.stringify({ endpoints }))
  const weir = await inProcess(inventory, { interfaces: ['weir-none'], ...options })
  t.teardown(() => weir.stop())
  return weir
}

/** Idle times in milliseconds as knobs; the others stay long. */
export function idleKnobs(ms: Partial<Record<(typeof IDLE)[number], number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, value * NS_PER_MS]))
}

/** Sends the lines between two ports. */
export function say({ object }: InProcess, aPort: number, bPort: number, ...lines: readonly string[]): void {
  for (const line of lines) {
    const [way, flags = '', bytes = '0'] = line.split(' ')
    const forward = way === 'ab'
    const ports: [number, number] = forward ? [aPort, bPort] : [bPort, aPort]
    const data = Buffer.alloc(Number(bytes))
    const [protocol, payload] =
      flags === '-' ? [PROTOCOL.udp, udp(...ports, data)] : [TCP, Buffer.concat([tcp(...ports, bitsOf(flags)), data])]
    const frame = ethernet(
      MACS,
      ETHERTYPE.ipv4,
      ipv4(forward ? { src: A, dst: B } : { src: B, dst: A }, protocol, payload),
    )
    object.testRun(forward ? 'weir_from_pod' : 'weir_to_pod', frame, 1)
  }
}

function bitsOf(flags: string): number {
  return [...flags].reduce((bits, flag) => bits | FLAGS[flag]!, 0)
}
