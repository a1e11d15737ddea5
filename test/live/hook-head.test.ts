/**
 * hook-head.test.ts - Weir takes the head of the hook back from another program without a gap in its counts.
 */
import t from 'tap'
import { attachLink } from '../support/foreign-link.js'
import { compileAttacher, compileVerdicts } from '../support/foreign-programs.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 73
const PORT = 4000
const NOTICED_MS = 5000
/** Times that another program takes the head, at most three before Weir gives way; and datagrams sent at once meanwhile. */
const MOVES = 3
const BURST = 2000
/** Milliseconds without counting for each of them: a pause of the process between two system calls, at worst. */
const MOVE_MS = 15

t.test('taking the head of the hook back does not interrupt counting', ROOT, async t => {
  const lab = await labOf(t, ['attached/a', 'attached/b'], { network: NETWORK })
  const weir = await watch(t, lab, '--attach', 'tcx', '--pod-end', 'never')
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('udpServe', { port: PORT, answer: 'none' })
  const folder = t.testdir({})
  compileAttacher(folder)
  // Passes every packet on, so none is missed before Weir notices.
  const object = compileVerdicts(folder, { drop: 0, redirect: 0, target: 0 })
  const reattached = (times: number) => async () =>
    (await weir.metrics()).get('weir_interface_reattached_total', { reason: 'not_first' }) === times
  let sent = 0
  let over = false
  const stream = (async () => {
    for (; !over; sent += BURST) await a.agent.call('udpSend', { host: b.ipv4, port: PORT, count: BURST, size: 10 })
  })()
  const startMs = performance.now()
  for (let times = 1; times <= MOVES; times++) {
    await attachLink(t, lab, object)
    await until('it is first again', reattached(times), NOTICED_MS)
  }
  over = true
  await stream
  const perMs = sent / (performance.now() - startMs)
  const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP', verdict: 'FORWARDED' }
  const missing = sent - (await weir.metrics()).sum('weir_flow_packets_total', { ...flow, reporter: 'source' })
  const missingMs = missing / MOVES / perMs
  t.comment(`${missing} of ${sent} packets missing: ${missingMs.toFixed(3)} ms for each of ${MOVES} moves`)
  t.ok(missing >= 0, 'no packet counts twice')
  t.ok(missingMs < MOVE_MS, 'with a link detached and attached again it was 36 ms')
})
