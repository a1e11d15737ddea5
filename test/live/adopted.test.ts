/**
 * adopted.test.ts - connections from before Weir, and packets that belong to none: the second side makes a connection of them.
 *
 * BPF_PROG_TEST_RUN runs the programs on packets, in this process, with short idle times.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ALPHA_BETA, conversations, idleKnobs, say } from '../support/conversation.js'
import { needsRoot } from '../support/gauged-lab.js'
import type { InProcess } from '../support/in-process.js'
import { addsUp, connectionsAddUp, flow } from '../support/ledger.js'
import type { Samples } from '../support/samples.js'

const OPENING_MS = 300
const SHORT = { knobs: idleKnobs({ idle_opening_ns: OPENING_MS }) }

function active(samples: Samples): number {
  return samples.sum('weir_connections_active', { protocol: 'TCP' })
}

function closed(samples: Samples): number {
  return samples.sum('weir_connections_closed_total', { protocol: 'TCP' })
}

/** Two passes after the idle time: the first marks an entry, the second deletes it. */
async function expire(weir: InProcess, idleMs: number): Promise<Samples> {
  await sleep(idleMs + 50)
  await weir.metrics()
  await sleep(150)
  return weir.metrics()
}

t.test(
  'bare ACKs that no one answers are packets, no connection, and leave the table like a SYN',
  needsRoot,
  async t => {
    const weir = await conversations(t, SHORT)
    for (let port = 0; port < 200; port++) say(weir, 10_000 + port, 7000, 'ab A')
    say(weir, 20_000, 7000, 'ab S')
    const before = await weir.metrics()
    t.equal(weir.live.connectionsUsed, 201)
    t.equal(active(before), 1, 'the SYN opened one')
    t.equal(flow(before, { ...ALPHA_BETA, reporter: 'source' }).packets, 201)
    const samples = await expire(weir, OPENING_MS)
    t.equal(weir.live.connectionsUsed, 0)
    t.equal(active(samples), 0)
    t.equal(closed(samples), 1)
    addsUp(t, samples)
    connectionsAddUp(t, samples)
  },
)

t.test('the answer of the other side makes a connection of packets from its middle', needsRoot, async t => {
  const weir = await conversations(t, SHORT)
  say(weir, 40_000, 80, 'ab AP 10', 'ab AP 10')
  t.equal(active(await weir.metrics()), 0)
  say(weir, 40_000, 80, 'ba A')
  t.equal(active(await weir.metrics()), 1)
  const samples = await expire(weir, OPENING_MS)
  t.equal(weir.live.connectionsUsed, 1, 'and it stays for as long as an established one')
  t.equal(active(samples), 1)
  say(weir, 40_000, 80, 'ab AF', 'ba AF', 'ab A')
  const end = await weir.metrics()
  t.equal(active(end), 0)
  t.equal(end.sum('weir_connections_closed_total', { reason: 'fin' }), 1)
  t.equal(end.sum('weir_connections_opened_total'), 0)
})

t.test('a FIN from before the answer closes the connection with that of the other side', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab AF', 'ba AF', 'ab A')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_closed_total', { reason: 'fin' }), 1)
  t.equal(active(samples), 0)
})

t.test('an ACK that a RST answers is no connection', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab A', 'ba R', 'ab A', 'ba R')
  const samples = await weir.metrics()
  t.equal(active(samples), 0)
  t.equal(closed(samples), 0)
})

t.test('a SYN after unanswered packets of the same ports opens a connection', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab A', 'ab S', 'ba SA', 'ab A', 'ab AF', 'ba AF', 'ab A')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total'), 1)
  t.equal(samples.sum('weir_tcp_handshake_seconds_count'), 1)
  t.equal(samples.sum('weir_connections_closed_total', { reason: 'fin' }), 1)
  connectionsAddUp(t, samples)
})

t.test('SYN and SYN-ACK on an established connection close it and open another', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ab AP 100', 'ba A')
  say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ab AP 100', 'ba A')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total'), 2)
  t.equal(samples.sum('weir_connections_closed_total', { reason: 'reset' }), 1)
  t.equal(samples.sum('weir_tcp_handshake_seconds_count'), 2 - samples.sum('weir_observations_lost_total'))
  t.equal(samples.sum('weir_connection_duration_seconds_count'), 1)
  t.equal(active(samples), 1)
  connectionsAddUp(t, samples)
})

t.test('a rebooted server may open the connection of the same ports itself', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ba S', 'ab SA', 'ba A')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total', ALPHA_BETA), 1)
  t.equal(samples.sum('weir_connections_opened_total'), 2)
  t.equal(active(samples), 1)
})

t.test(
  'a SYN that the peer answers with an ACK, or a repeated SYN-ACK, changes no established connection',
  needsRoot,
  async t => {
    const weir = await conversations(t)
    say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ba SA', 'ab A', 'ab S', 'ba A', 'ab AP 10', 'ba A')
    const samples = await weir.metrics()
    t.equal(samples.sum('weir_connections_opened_total'), 1)
    t.equal(closed(samples), 0)
    t.equal(active(samples), 1)
  },
)

t.test('a SYN that a rebooted peer refuses closes the old connection and the new one', needsRoot, async t => {
  const weir = await conversations(t)
  say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ab S', 'ba R')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total'), 2)
  t.equal(samples.sum('weir_connections_closed_total', { reason: 'reset' }), 2)
  t.equal(active(samples), 0)
})

t.test('a half-closed connection that falls silent is closed once, by its FIN', needsRoot, async t => {
  const weir = await conversations(t, { knobs: idleKnobs({ idle_closing_ns: 200, idle_closed_ns: 100 }) })
  say(weir, 40_000, 80, 'ab S', 'ba SA', 'ab A', 'ab AF', 'ba A')
  t.equal(active(await weir.metrics()), 1)
  const silent = await expire(weir, 200)
  t.equal(silent.sum('weir_connections_closed_total', { reason: 'fin' }), 1)
  t.equal(active(silent), 0)
  say(weir, 40_000, 80, 'ba AP 100', 'ab A')
  await expire(weir, 200)
  say(weir, 40_000, 80, 'ba AF', 'ab A')
  const samples = await expire(weir, 200)
  t.equal(closed(samples), 1, 'its last packets are no connection of their own')
  t.equal(samples.sum('weir_connections_opened_total'), 1)
  t.equal(samples.sum('weir_connection_duration_seconds_count'), 1)
  t.equal(active(samples), 0)
  t.equal(weir.live.connectionsUsed, 0, 'and its entry goes after the last FIN')
  addsUp(t, samples)
  connectionsAddUp(t, samples)
})

t.test('in a full table the connections idle longest give way, established ones too', needsRoot, async t => {
  const weir = await conversations(t, { connections: 400, knobs: idleKnobs({ idle_closed_ns: 200 }) })
  for (let port = 0; port < 400; port++) say(weir, 40_000 + port, 80, 'ab A', 'ba A')
  t.equal(active(await weir.metrics()), 400)
  await sleep(300)
  say(weir, 40_000, 80, 'ab AP 10', 'ba A')
  await weir.metrics()
  await sleep(150)
  say(weir, 40_000, 80, 'ab AP 10', 'ba A')
  await weir.metrics()
  t.ok(weir.live.connectionsUsed < 300, `${weir.live.connectionsUsed} left`)
  say(weir, 50_000, 80, 'ab S', 'ba SA', 'ab A', 'ab AF', 'ba AF', 'ab A')
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total'), 1)
  t.equal(samples.sum('weir_tcp_handshake_seconds_count'), 1)
  t.equal(samples.sum('weir_connections_closed_total', { reason: 'fin' }), 1)
  t.ok(active(samples) >= 1, 'the one that is in use stays')
  addsUp(t, samples)
})
