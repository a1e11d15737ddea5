/**
 * entity-changes.test.ts - after any sequence of changes, every address has the names of a simple model.
 */
import fc from 'fast-check'
import t from 'tap'
import { createExporter } from '../../../src/agent/exporter.js'
import { NameUpdates } from '../../../src/agent/names/name-updates.js'
import { Entities } from '../../../src/datapath/identity/entities.js'
import { BARE_FACTS, type EndpointFacts, NO_CHANGES } from '../../../src/datapath/identity/entity-changes.js'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { formatAddress, parseAddress, parsePrefix } from '../../../src/lib/address.js'

const IPS = Array.from({ length: 40 }, (_, i) => (i % 2 ? `10.0.${i % 3}.${i}` : `fd00::${1 + (i % 3)}:${1 + i}`))
const KEYS = Array.from({ length: 25 }, (_, i) => `uid-${i}`)

const facts = (key: string, pod: string, ips: readonly string[]): EndpointFacts => ({
  ...BARE_FACTS,
  key,
  kind: 'pod',
  ips,
  namespace: 'n',
  pod,
  identity: 1000,
})
const step = fc.record({
  key: fc.constantFrom(...KEYS),
  pod: fc.constantFrom('a', 'b', 'c'),
  ips: fc.uniqueArray(fc.constantFrom(...IPS), { maxLength: 4 }),
  gone: fc.boolean(),
})

t.test('after any sequence of additions, moves and removals, addresses, entities and kernel entries agree', async t => {
  const check = () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const entities = new Entities({ ttlMs: 0, mostGone: 8 })
        const owner = new Map<string, string>()
        const pods = new Map<string, string>()
        const kernel = new Map<string, number>()
        for (const { key, pod, ips, gone } of steps) {
          for (const [ip, ownerKey] of owner) if (ownerKey === key && (gone || !ips.includes(ip))) owner.delete(ip)
          if (gone) pods.delete(key)
          else pods.set(key, `${pod}-${key}`)
          if (!gone) for (const ip of ips) owner.set(ip, key)
          const upserts = gone ? [] : [facts(key, `${pod}-${key}`, ips)]
          entities.apply({ ...NO_CHANGES, upserts, removals: gone ? [key] : [] })
          entities.recycle()
          for (const { addr, entity, present: there } of entities.takeChanged(1000)) {
            if (there) kernel.set(formatAddress(addr), entity)
            else kernel.delete(formatAddress(addr))
          }
        }
        for (const ip of IPS) {
          const key = owner.get(ip)
          const entity = entities.resolve(parseAddress(ip), 0, true, 0)
          if (entities.pod(entity) !== (key === undefined ? '' : pods.get(key))) return false
          if ((kernel.get(ip) ?? 0) !== entity) return false
        }
        return entities.kinds.pod === pods.size && entities.addresses.hosts === owner.size
      }),
      { numRuns: 300 },
    )
  t.doesNotThrow(check)
})

t.test(
  'private prefixes and pod CIDRs are deferred, named after a CIDR group that covers them; a narrower group is not deferred',
  async t => {
    const entities = new Entities()
    entities.expectNames()
    const group = (name: string, prefix: string): EndpointFacts => ({
      ...facts(`cidr/${name}`, '', []),
      kind: 'cidr',
      identity: 0,
      prefixes: [prefix],
    })
    const node: EndpointFacts = {
      ...facts('node/n1', '', ['192.0.2.1']),
      kind: 'node',
      identity: 6,
      prefixes: ['198.18.0.0/24'],
    }
    entities.apply({ ...NO_CHANGES, upserts: [group('office', '10.1.0.0/16'), group('site', '10.0.0.0/8'), node] })
    const entry = (prefix: string) => {
      const { bits, addr } = parsePrefix(prefix)
      const found = entities
        .prefixes()
        .find(each => each.bits === bits && formatAddress(each.addr) === formatAddress(addr))
      return found && [found.unresolved, entities.workload(found.entity)]
    }
    t.strictSame(entry('10.0.0.0/8'), [true, 'site'])
    t.strictSame(entry('10.1.0.0/16'), [false, 'office'])
    t.strictSame(entry('198.18.0.0/24'), [true, 'unknown'])
    t.strictSame(entry('192.0.2.1/32'), [false, 'remote-node'])
    entities.apply({ ...NO_CHANGES, removals: ['cidr/site', 'node/n1'] })
    t.strictSame(entry('10.0.0.0/8'), [true, 'unknown'])
    t.equal(entry('198.18.0.0/24'), undefined)
  },
)

t.test('a deletion beyond the maximum number of stale entities is counted as refused', async t => {
  const exporter = createExporter(parseInventory('{}', 'the test'), false)
  const names = new NameUpdates(exporter)
  const keys = Array.from({ length: 65_539 }, (_, i) => `uid-${i}`)
  await names.apply({ ...NO_CHANGES, upserts: keys.map(key => facts(key, `pod-${key}`, [])) })
  const refused = () => {
    names.refresh()
    return exporter.store.get(exporter.store.family(M.entityDeletionsRefused).series([]))
  }
  t.equal(refused(), 0)
  await names.apply({ ...NO_CHANGES, removals: keys })
  t.equal(refused(), 3)
})
