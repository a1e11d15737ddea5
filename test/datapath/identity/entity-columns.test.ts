/**
 * entity-columns.test.ts - columns return what arrays of values would, and free values that no row has.
 */
import fc from 'fast-check'
import t from 'tap'
import { type Entity, EntityColumns } from '../../../src/datapath/identity/entity-columns.js'
import { NumberColumn } from '../../../src/datapath/identity/number-column.js'
import { SharedColumn } from '../../../src/datapath/identity/shared-column.js'
import { TextColumn } from '../../../src/datapath/identity/text-column.js'

/** Numbers that are not rows. */
const NOT_ROWS = [1 << 20, 0xffff_ffff, -1, Number.NaN]

t.test('a number column accepts rows in any order, and returns 0 for numbers that are not rows', async t => {
  const column = new NumberColumn()
  const kept = new Map([
    [5, 0xffff_ffff],
    [40_000, 1],
    [0, 7],
  ])
  for (const [row, number] of kept) column.set(row, number)
  for (const [row, number] of kept) t.equal(column.at(row), number)
  t.same(
    [1, 39_999, 40_001, ...NOT_ROWS].map(row => column.at(row)),
    [0, 0, 0, 0, 0, 0, 0],
  )
})

t.test('a shared column returns what an array would, and keeps a value only while a row has it', async t => {
  const step = fc.record({ row: fc.nat(40), value: fc.constantFrom('', 'a', 'b', 'c', 'dd') })
  const check = fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const column = new SharedColumn('')
    const model: string[] = []
    for (const { row, value } of steps) {
      column.set(row, value)
      model[row] = value
    }
    const matches = Array.from({ length: 41 }, (_, row) => column.at(row) === (model[row] ?? ''))
    const distinct = new Set(Object.values(model)).add('').size
    return matches.every(Boolean) && column.size === distinct && NOT_ROWS.every(row => column.at(row) === '')
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 300 }))
})

t.test('a text column returns what an array would for any text, and reuses the bytes of replaced texts', async t => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 }))
  const step = fc.record({ row: fc.nat(30), text })
  const check = fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const column = new TextColumn()
    const model: string[] = []
    for (const { row, text } of steps) {
      column.set(row, text)
      model[row] = text
    }
    const matches = Array.from({ length: 31 }, (_, row) => column.at(row) === (model[row] ?? ''))
    return matches.every(Boolean) && NOT_ROWS.every(row => column.at(row) === '')
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 100 }))

  const churned = new TextColumn()
  for (let i = 0; i < 100_000; i++) churned.set(i % 100, `pod-${i}`)
  t.ok(churned.bytes < 500_000, `${churned.bytes} bytes for 100 texts after 100,000 changes`)
  t.equal(churned.at(99), 'pod-99999')
  t.equal(churned.at(0), 'pod-99900')
})

t.test('an id has the names that were set; an id that was never set has those of id 0', async t => {
  const zero: Entity = {
    kind: 'identity',
    identity: 0,
    endpoint: 0,
    namespace: '',
    pod: '',
    workload: 'unknown',
    workloadKind: '',
    app: '',
    service: '',
    node: '',
    zone: '',
    labels: ['reserved:unknown'],
    local: false,
    hubbleWorkload: undefined,
  }
  const pod: Entity = {
    kind: 'pod',
    identity: 0xffff_fffe,
    endpoint: 65_535,
    namespace: 'shop',
    pod: 'web-1',
    workload: 'web',
    workloadKind: 'Deployment',
    app: 'shop-web',
    service: 'web',
    node: 'n1',
    zone: 'z1',
    labels: ['k8s:app=web'],
    local: true,
    hubbleWorkload: { kind: 'ReplicaSet', name: 'web-5d8f' },
  }
  const columns = new EntityColumns(zero)
  columns.set(1, pod)
  columns.set(2, { ...pod, kind: 'cidr', hubbleWorkload: undefined, labels: zero.labels })
  t.equal(columns.length, 3)
  t.same(columns.row(1), pod)
  t.same(columns.row(2), { ...pod, kind: 'cidr', hubbleWorkload: undefined, labels: zero.labels })
  for (const row of [0, 3, ...NOT_ROWS]) t.same(columns.row(row), zero, String(row))
})
