/**
 * entity-columns.test.ts - columns of rows answer as arrays of values do, and keep nothing that no row has.
 */
import fc from 'fast-check'
import t from 'tap'
import { type Row, RowColumns } from '../../../src/datapath/identity/entity-columns.js'
import { NumberColumn } from '../../../src/datapath/identity/number-column.js'
import { SharedColumn } from '../../../src/datapath/identity/shared-column.js'
import { TextColumn } from '../../../src/datapath/identity/text-column.js'

const DAMAGED = [1 << 20, 0xffff_ffff, -1, Number.NaN]

t.test('numbers: any order of rows, and none for what is no row', async t => {
  const column = new NumberColumn()
  const kept = new Map([
    [5, 0xffff_ffff],
    [40_000, 1],
    [0, 7],
  ])
  for (const [row, number] of kept) column.set(row, number)
  for (const [row, number] of kept) t.equal(column.at(row), number)
  t.same(
    [1, 39_999, 40_001, ...DAMAGED].map(row => column.at(row)),
    [0, 0, 0, 0, 0, 0, 0],
  )
})

t.test('shared values: as an array has them, each kept while a row has it', async t => {
  const step = fc.record({ row: fc.nat(40), value: fc.constantFrom('', 'a', 'b', 'c', 'dd') })
  const check = fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const column = new SharedColumn('')
    const model: string[] = []
    for (const { row, value } of steps) {
      column.set(row, value)
      model[row] = value
    }
    const right = Array.from({ length: 41 }, (_, row) => column.at(row) === (model[row] ?? ''))
    const different = new Set(Object.values(model)).add('').size
    return right.every(Boolean) && column.size === different && DAMAGED.every(row => column.at(row) === '')
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 300 }))
})

t.test('texts: as an array has them, whatever their bytes, and the bytes of what is gone are used again', async t => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 }))
  const step = fc.record({ row: fc.nat(30), text })
  const check = fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const column = new TextColumn()
    const model: string[] = []
    for (const { row, text } of steps) {
      column.set(row, text)
      model[row] = text
    }
    const right = Array.from({ length: 31 }, (_, row) => column.at(row) === (model[row] ?? ''))
    return right.every(Boolean) && DAMAGED.every(row => column.at(row) === '')
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 100 }))

  const churned = new TextColumn()
  for (let i = 0; i < 100_000; i++) churned.set(i % 100, `pod-${i}`)
  t.ok(churned.bytes < 500_000, `${churned.bytes} bytes for 100 texts of 100,000 that were`)
  t.equal(churned.at(99), 'pod-99999')
  t.equal(churned.at(0), 'pod-99900')
})

t.test('rows: all names as they were set; those of row 0 for a number that is no row', async t => {
  const zero: Row = {
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
  const pod: Row = {
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
  const columns = new RowColumns(zero)
  columns.set(1, pod)
  columns.set(2, { ...pod, kind: 'cidr', hubbleWorkload: undefined, labels: zero.labels })
  t.equal(columns.length, 3)
  t.same(columns.row(1), pod)
  t.same(columns.row(2), { ...pod, kind: 'cidr', hubbleWorkload: undefined, labels: zero.labels })
  for (const row of [0, 3, ...DAMAGED]) t.same(columns.row(row), zero, String(row))
})
