/**
 * ledger.ts - the books of a page: what must add up whatever the traffic was.
 *
 * In:    a reading of a lab in which every pod is a workload of its own.
 * Fail:  assertions of the test, named by pod, series or pair.
 */
import type { Test } from 'tap'
import type { Count } from './firewall.js'
import type { Reading } from './gauged-lab.js'
import type { Labels, Samples } from './samples.js'

const FORWARDED = { verdict: 'FORWARDED' } as const

/** Packets and bytes, of weir_flow_*. */
export function flow(samples: Samples, labels: Partial<Labels>): { packets: number; bytes: number } {
  return {
    packets: samples.sum('weir_flow_packets_total', labels),
    bytes: samples.sum('weir_flow_bytes_total', labels),
  }
}

/** Packets and bytes that no family counts. */
export function ignored(samples: Samples): { packets: number; bytes: number } {
  return { packets: samples.sum('weir_packets_ignored_total'), bytes: samples.sum('weir_bytes_ignored_total') }
}

/** Every page: what was seen is in the series or is named as ignored, and each packet has one size. */
export function addsUp(t: Test, samples: Samples): void {
  const uncounted = ignored(samples)
  t.strictSame(
    flow(samples, FORWARDED),
    {
      packets: samples.sum('weir_packets_seen_total') - uncounted.packets,
      bytes: samples.sum('weir_bytes_seen_total') - uncounted.bytes,
    },
    'the series hold what was seen, less what was ignored',
  )
  sizesAddUp(t, samples)
  t.strictSame(
    flow(samples, { verdict: 'DROPPED' }),
    { packets: samples.sum('weir_drop_packets_total'), bytes: samples.sum('weir_drop_bytes_total') },
    'the verdict DROPPED holds what the drop families hold',
  )
}

/** What opened and did not close is active; for a Weir that was there before all connections. */
export function connectionsAddUp(t: Test, samples: Samples): void {
  for (const { labels, value } of samples.series('weir_connections_active')) {
    const opened = samples.sum('weir_connections_opened_total', labels)
    const closed = samples.sum('weir_connections_closed_total', labels)
    t.equal(value, opened - closed, `active ${labels.protocol} at the ${labels.reporter}`)
  }
}

/** Every pod's link carried what the series of its workload say, to the packet and to the byte. */
export function agreesWithLinks(t: Test, { samples, links }: Reading, workloadOf = (pod: string) => pod): void {
  for (const [pod, { rx, tx }] of links) {
    const workload = workloadOf(pod)
    const sent = flow(samples, { ...FORWARDED, reporter: 'source', source_workload: workload })
    const got = flow(samples, { ...FORWARDED, reporter: 'destination', destination_workload: workload })
    t.strictSame(sent, { packets: rx.packets, bytes: rx.bytes }, `${pod} sent what its link received`)
    t.strictSame(got, { packets: tx.packets, bytes: tx.bytes }, `${pod} got what its link transmitted`)
  }
}

/** All that the links carried, whoever was named as its sender, is in the series or is named as ignored. */
export function agreesWithAllLinks(t: Test, { samples, links }: Reading): void {
  const carried = { packets: 0, bytes: 0 }
  for (const { rx, tx } of links.values()) {
    carried.packets += rx.packets + tx.packets
    carried.bytes += rx.bytes + tx.bytes
  }
  const counted = flow(samples, FORWARDED)
  const uncounted = ignored(samples)
  t.strictSame(
    { packets: counted.packets + uncounted.packets, bytes: counted.bytes + uncounted.bytes },
    carried,
    'the links carried what was counted and what was ignored',
  )
}

/** Both veths count the same but for what the node dropped in between. */
export function reportersAgree(t: Test, samples: Samples): void {
  for (const { labels, value } of samples.series('weir_flow_packets_total', { ...FORWARDED, reporter: 'source' })) {
    const { reporter: _, verdict: __, ...pair } = labels
    const dropped = samples.sum('weir_drop_packets_total', { ...pair, reason: 'NETFILTER_DROP' })
    const arrived = samples.sum('weir_flow_packets_total', { ...pair, ...FORWARDED, reporter: 'destination' })
    t.equal(arrived, value - dropped, `${pair.source_workload} to ${pair.destination_workload}, ${pair.protocol}`)
  }
}

/** Segments by flag at one veth are what the node's firewall counted, less the SYNs that it dropped before they came there. */
export function flagsAgree(
  t: Test,
  samples: Samples,
  reporter: 'source' | 'destination',
  { syn, synack, fin, rst }: Readonly<Record<string, Count>>,
  synsDropped = 0,
): void {
  const counted = (flag: string) => samples.sum('weir_tcp_flags_total', { reporter, flag })
  t.strictSame(
    { syn: counted('SYN'), synack: counted('SYN-ACK'), fin: counted('FIN'), rst: counted('RST') },
    { syn: (syn?.packets ?? 0) - synsDropped, synack: synack?.packets, fin: fin?.packets, rst: rst?.packets },
    `flags at the ${reporter}`,
  )
}

function sizesAddUp(t: Test, samples: Samples): void {
  for (const { labels, value } of samples.series('weir_packet_size_bytes_count')) {
    const counted = flow(samples, { ...labels, ...FORWARDED })
    const sizes = { packets: value, bytes: samples.sum('weir_packet_size_bytes_sum', labels) }
    const { source_workload, destination_workload, reporter } = labels
    t.strictSame(sizes, counted, `sizes of ${source_workload} to ${destination_workload} at the ${reporter}`)
  }
  t.equal(samples.sum('weir_packet_size_bytes_count'), flow(samples, FORWARDED).packets, 'every packet has a size')
}
