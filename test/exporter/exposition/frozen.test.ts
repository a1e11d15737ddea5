/**
 * frozen.test.ts - a page written in pieces shows one instant, whatever happens between the pieces.
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
    expireAt: (at: number) => {
      now = at
      store.expire(store.families(), 10)
    },
  }
}

t.test('increments, new and removed series do not change a page already started', async t => {
  const { store, family, expireAt } = filled()
  expireAt(1000)
  const whole = render(store).toString()
  const parts: string[] = []
  let round = 0
  for (const piece of pieces(freeze([store]), { format: 'text', created: false })) {
    parts.push(piece.toString())
    for (let i = 0; i < 500; i++) {
      store.add(family.series(values(i)), 1)
      family.series(values(SERIES + 500 * round + i))
    }
    expireAt(1000 + 20 * ++round)
  }
  t.ok(parts.length > 4, `${parts.length} pieces`)
  t.ok(family.size < SERIES, `${family.size} series left`)
  t.equal(parts.join(''), whole)
})

t.test('only the selected groups are frozen', async t => {
  const { store } = filled()
  store.family(M.ringFull).series([])
  const names = (...groups: ('flow' | 'size' | 'self' | 'drop')[]) =>
    freeze([store], new Set(groups)).map(({ metric }) => metric.name)
  t.strictSame(names('self', 'flow'), [M.flowPackets.name, M.ringFull.name])
  t.strictSame(names('size'), [M.packetSize.name])
  t.strictSame(names('drop'), [])
})
