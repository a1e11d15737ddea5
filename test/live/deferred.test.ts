/**
 * deferred.test.ts - counts that wait in the kernel for a name are reported when Weir stops.
 */
import t from 'tap'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { render } from '../../src/exporter/exposition/text.js'
import { Lab } from '../../src/lab/lab.js'
import { needsRoot } from '../support/gauged-lab.js'
import { flow } from '../support/ledger.js'
import { liveExporter } from '../support/live-exporter.js'
import { Samples } from '../support/samples.js'

const NETWORK = 58
const [TRANSLATED, LOST] = ['10.96.0.10', '10.96.0.20'] as const
const PACKETS = 40

t.test('one-way UDP to Services in the moment before Weir stops', needsRoot, async t => {
  const lab = await Lab.create(
    ['sender', 'sink'].map(name => ({ name, namespace: 'deferred', workload: name })),
    { network: NETWORK },
  )
  t.teardown(() => lab.destroy())
  const [sender, sink] = [lab.pod('sender'), lab.pod('sink')]
  await lab.nft(`
table ip kube {
  chain prerouting {
    type nat hook prerouting priority -100
    ip daddr ${TRANSLATED} udp dport 53 dnat ip to ${sink.ipv4}:53
  }
}`)
  await sink.agent.call('udpServe', { port: 53, answer: 'none' })
  const services = [
    { ip: TRANSLATED, port: 53, namespace: 'deferred', name: 'translated' },
    { ip: LOST, port: 53, namespace: 'deferred', name: 'lost' },
  ]
  const inventory = parseInventory(JSON.stringify({ ...lab.inventory(), services }), 'lab')
  const { live, exporter } = await liveExporter(t, lab, { inventory })
  for (const host of [TRANSLATED, LOST])
    await sender.agent.call('udpSend', { host, port: 53, count: PACKETS, size: 100 })
  live.close()
  const page = Samples.parse(render(exporter.store).toString())
  const to = (destination_workload: string) => flow(page, { reporter: 'source', destination_workload }).packets
  t.equal(to('sink'), PACKETS, 'under the name of the backend, which conntrack knows')
  t.equal(to('lost'), PACKETS, 'under the name of the Service')
  t.equal(live.counters.totals.service_unresolved.packets, 1)
})
