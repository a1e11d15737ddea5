/**
 * key-table.test.ts - a table of keys answers as a Map does, whatever the keys look like.
 */
import fc from 'fast-check'
import t from 'tap'
import { KeyTable } from '../../../src/datapath/identity/key-table.js'

const ODD = ['node/n1', '5F1C8A4E-0B7D-4C3E-9A21-000000000001', '5f1c8a4e-0b7d-4c3e-9a21_000000000001', 'x'.repeat(36)]
const uuids = Array.from({ length: 12 }, (_, i) => `${i}f1c8a4e-0b7d-4c3e-9a21-${'f'.repeat(12)}`.slice(-36))
const key = fc.constantFrom('00000000-0000-0000-0000-000000000000', ...uuids, ...ODD)

t.test('any sequence of additions and removals: the numbers are those of the keys that are there', async t => {
  const step = fc.record({ key: fc.oneof(key, fc.uuid()), gone: fc.boolean() })
  const check = fc.property(fc.array(step, { maxLength: 300 }), steps => {
    const table = new KeyTable()
    const model = new Map<string, number>()
    for (const { key, gone } of steps) {
      if (gone) {
        table.remove(table.find(key))
        model.delete(key)
      } else model.set(key, table.add(key))
    }
    for (const [key, number] of model) {
      if (table.find(key) !== number || table.text(number) !== key || !table.has(number)) return false
    }
    const used = new Set(model.values())
    const there = Array.from({ length: table.end }, (_, number) => number).filter(number => table.has(number))
    return table.size === model.size && used.size === model.size && there.every(number => used.has(number))
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 200 }))
})

t.test('a number that was given back is given again, so that numbers stay few', async t => {
  const table = new KeyTable()
  for (let i = 0; i < 5_000; i++) table.remove(table.add(`5f1c8a4e-0b7d-4c3e-9a21-${String(i).padStart(12, '0')}`))
  t.equal(table.end, 2)
  t.equal(table.find('5f1c8a4e-0b7d-4c3e-9a21-000000004999'), 0)
  t.equal(table.size, 0)
})

t.test('a key that was never added has no number, and nothing is removed for it', async t => {
  const table = new KeyTable()
  const number = table.add('a')
  t.equal(table.find('b'), 0)
  table.remove(0)
  table.remove(number + 7)
  t.equal(table.find('a'), number)
})
