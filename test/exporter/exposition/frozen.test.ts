/**
 * frozen.test.ts - a page that is written piece by piece shows one instant, whatever happens between its pieces.
 */
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { freeze } from '../../../src/exporter/exposition/frozen.js'
import { pieces, render } from '../../../src/exporter/exposition/text.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'

const SERIES = 9000
const values = (i: number) => [`team-${i % 7}`, `source-${i}`, 'data', `destination-${i}`, 'source', 'FORWARDED', 'TCP']

const filled = () => {
  let now = 1000
  const store = new SeriesStore({ now: () => now })
  const family = store.family(M.flowPackets)
  for (let i = 0; i < SERIES; i++) store.set(family.series(values(i)), i)
  const size = store.family(M.packetSize)
  for (let i = 0; i < SERIES / 9; i++) size.observe(size.series(values(i).slice(0, 5)), 100, i)
  return {
    store,
    family,
    sweepAt: (at: number) => {
      now = at
      store.expire(store.families(), 10)
    },
  }
}

t.test('increments, new series and removed ones do not show in a page that was begun', async t => {
  const { store, family, sweepAt } = filled()
  sweepAt(1000)
  const whole = render(store).toString()
  const parts: string[] = []
  let round = 0
  for (const piece of pieces(freeze([store]), { format: 'text', created: false })) {
    parts.push(piece.toString())
    for (let i = 0; i < 500; i++) {
      store.add(family.series(values(i)), 1)
      family.series(values(SERIES + 500 * round + i))
    }
    sweepAt(1000 + 20 * ++round)
  }
  t.ok(parts.length > 4, `${parts.length} pieces`)
  t.ok(family.size < SERIES, `${family.size} series are left`)
  t.equal(parts.join(''), whole)
})

t.test('only what is chosen is frozen', async t => {
  const { store } = filled()
  store.family(M.ringFull).series([])
  const names = (...groups: ('flow' | 'size' | 'self' | 'drop')[]) =>
    freeze([store], new Set(groups)).map(({ metric }) => metric.name)
  t.strictSame(names('self', 'flow'), [M.flowPackets.name, M.ringFull.name])
  t.strictSame(names('size'), [M.packetSize.name])
  t.strictSame(names('drop'), [])
})
