/**
 * key-table.test.ts - the key table returns what a Map would, for keys of any form.
 */
import fc from 'fast-check'
import t from 'tap'
import { KeyTable } from '../../../src/datapath/identity/key-table.js'

/** Keys that are not UUIDs in lower case. */
const OTHER_KEYS = [
  'node/n1',
  '5F1C8A4E-0B7D-4C3E-9A21-000000000001',
  '5f1c8a4e-0b7d-4c3e-9a21_000000000001',
  'x'.repeat(36),
]
const uuids = Array.from({ length: 12 }, (_, i) => `${i}f1c8a4e-0b7d-4c3e-9a21-${'f'.repeat(12)}`.slice(-36))
const key = fc.constantFrom('00000000-0000-0000-0000-000000000000', ...uuids, ...OTHER_KEYS)

t.test('after any sequence of additions and removals, exactly the present keys have numbers', async t => {
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
    const present = Array.from({ length: table.end }, (_, number) => number).filter(number => table.has(number))
    return table.size === model.size && used.size === model.size && present.every(number => used.has(number))
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 200 }))
})

t.test('the number of a removed key is reused, so numbers stay small', async t => {
  const table = new KeyTable()
  for (let i = 0; i < 5_000; i++) table.remove(table.add(`5f1c8a4e-0b7d-4c3e-9a21-${String(i).padStart(12, '0')}`))
  t.equal(table.end, 2)
  t.equal(table.find('5f1c8a4e-0b7d-4c3e-9a21-000000004999'), 0)
  t.equal(table.size, 0)
})

t.test('an unknown key has no number, and removing an unknown number removes nothing', async t => {
  const table = new KeyTable()
  const number = table.add('a')
  t.equal(table.find('b'), 0)
  table.remove(0)
  table.remove(number + 7)
  t.equal(table.find('a'), number)
})
