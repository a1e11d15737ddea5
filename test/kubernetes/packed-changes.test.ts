/**
 * packed-changes.test.ts - a batch arrives unchanged in another thread, and equal labels share one string.
 */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { BARE_FACTS, type EndpointFacts, NO_CHANGES } from '../../src/datapath/identity/entity-changes.js'
import { pack, unpack } from '../../src/kubernetes/cluster/packed-changes.js'
import { Interner } from '../../src/kubernetes/object/interner.js'

const text = fc.oneof(fc.string({ maxLength: 8, unit: 'grapheme' }), fc.constantFrom('', 'a', 'b'))
const workload = fc.record({ kind: text, name: text })
const number = fc.nat({ max: 0x7fff_ffff })
const facts: fc.Arbitrary<EndpointFacts> = fc.record(
  {
    key: text,
    kind: fc.constantFrom('pod', 'node', 'service', 'apiserver', 'cidr'),
    ips: fc.array(text, { maxLength: 3 }),
    prefixes: fc.array(text, { maxLength: 3 }),
    namespace: text,
    pod: text,
    workload: fc.option(workload, { nil: undefined }),
    hubbleWorkload: fc.option(workload, { nil: null }),
    app: text,
    service: text,
    node: text,
    zone: text,
    identity: number,
    local: fc.boolean(),
    endpoint: fc.nat({ max: 0xffff }),
    ports: fc.array(fc.record({ protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'), port: fc.nat({ max: 0xffff }) }), {
      maxLength: 3,
    }),
  },
  // All keys but hubbleWorkload are always present.
  { requiredKeys: Object.keys({ key: '', kind: '', ...BARE_FACTS }) as never },
)
const changes = fc.record({
  identities: fc.array(fc.record({ identity: number, labels: fc.array(text) })),
  removals: fc.array(text),
  upserts: fc.array(facts),
  forgotten: fc.array(number),
  synced: fc.boolean(),
})

t.test('unpacking a packed batch gives the same batch', async t => {
  const interner = new Interner()
  const check = fc.property(changes, batch => {
    // Messages between threads are structured clones. The first clone turns fast-check's objects into plain ones.
    const plain = structuredClone(batch)
    return isDeepStrictEqual(unpack(structuredClone(pack(batch)), interner), plain)
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 100 }))
})

t.test('equal labels of two batches share one string', async t => {
  const interner = new Interner()
  const one = { ...NO_CHANGES, identities: [{ identity: 300, labels: ['k8s:app=web'] }] }
  const arrived = () => unpack(structuredClone(pack(one)), interner).identities[0]!.labels[0]!
  // Identity of strings cannot be observed; the interner returns the one that it holds.
  t.equal(arrived(), 'k8s:app=web')
  t.equal(interner.size, 1)
  t.equal(arrived(), 'k8s:app=web')
  t.equal(interner.size, 1)
})
