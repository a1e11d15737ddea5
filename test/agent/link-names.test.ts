/**
 * link-names.test.ts - flows have the names of interfaces: the inventory's, or else the machine's.
 */
import t from 'tap'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { compileFilter } from '../../src/hubble/observe/filter/filter.js'
import { flowOf, INVENTORY, trace } from '../support/flow-records.js'

t.test('a resolver without links in its inventory uses the names of the running source', async t => {
  const resolver = InventoryResolver.from(parseInventory('{ "links": { "3": "eth0" } }', 'inventory'))
  t.equal(resolver.linkName(7), '')
  resolver.followLinks(ifindex => (ifindex < 8 ? `live${ifindex}` : undefined))
  t.strictSame([resolver.linkName(3), resolver.linkName(7), resolver.linkName(8)], ['eth0', 'live7', ''])
  resolver.load(parseInventory('{}', 'inventory'))
  t.equal(resolver.linkName(3), 'live3', 'also after the inventory was loaded again')
})

t.test('flows are found by the name of their interface', async t => {
  const flow = flowOf(trace({ ifindex: 3 }), INVENTORY)
  t.equal(compileFilter({ interface: [{ name: 'eth0' }] })(flow), true)
  t.equal(compileFilter({ interface: [{ name: 'eth1' }] })(flow), false)
})
