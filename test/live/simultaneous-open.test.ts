/**
 * simultaneous-open.test.ts - two SYNs that cross open one connection (RFC 9293 section 3.5), in whatever order Weir sees the packets.
 */
import t from 'tap'
import { conversations, say } from '../support/conversation.js'
import { needsRoot } from '../support/gauged-lab.js'

const [PORT, PEER] = [50_000, 7777]
/** Packets that open the connection. */
const OPENINGS = [
  ['ab S', 'ba S', 'ab SA', 'ba SA'],
  ['ab S', 'ba S', 'ba SA', 'ab SA'],
  ['ab S', 'ba S', 'ab SA', 'ba SA', 'ab A', 'ba A'],
  ['ab S', 'ba S', 'ba S', 'ab SA', 'ba SA'],
  ['ab S', 'ba S', 'ba SA', 'ab S', 'ab SA'],
]

t.test('SYNs that cross open one connection, and it closes once', needsRoot, async t => {
  for (const opening of OPENINGS) {
    const weir = await conversations(t)
    say(weir, PORT, PEER, ...opening, 'ab AP 10', 'ba AP 10', 'ab AF', 'ba AF', 'ab A')
    const samples = await weir.metrics()
    const title = opening.join(', ')
    t.equal(samples.sum('weir_connections_opened_total'), 1, `${title}: opened`)
    t.equal(samples.sum('weir_connections_closed_total'), 1, `${title}: closed`)
    t.equal(samples.sum('weir_connections_active'), 0, `${title}: none is left`)
    await weir.stop()
  }
})
