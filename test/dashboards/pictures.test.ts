/**
 * pictures.test.ts - every panel of every board can be drawn with its values; the README shows a picture of each board.
 */
import { readFileSync, statSync } from 'node:fs'
import t from 'tap'
import { jsonOf } from '../../dashboards/board.js'
import { boardsOf } from '../../dashboards/generated.js'
import type { Answers, Series } from '../../dashboards/pictures/answer.js'
import { stepOf } from '../../dashboards/pictures/axis.js'
import { type BoardModel, pageOf } from '../../dashboards/pictures/picture.js'
import { SELECTIONS } from '../../dashboards/pictures/selection.js'
import { formatted } from '../../dashboards/pictures/unit.js'
import { HUBBLE, WEIR } from '../../dashboards/vocabulary.js'

const ROOT = new URL('../../', import.meta.url)
const RANGE = { from: 1_764_000_000, to: 1_764_000_120, step: 60 }
const MOST_BYTES = 150_000
const BOARDS = [WEIR, HUBBLE].flatMap(boardsOf).map(board => JSON.parse(jsonOf(board)) as BoardModel)

/** Three points, with the labels that any panel uses. */
function series(value: number, labels: Readonly<Record<string, string>> = {}): Series {
  const named = {
    id: 'shop/<web>',
    title: '<web>',
    subtitle: 'shop',
    source: 'shop/<web>',
    target: 'data/db',
    ...labels,
  }
  return { labels: named, points: [0, 1, 2].map(i => [RANGE.from + 60 * i, value * (i + 1)] as const) }
}

function answered(board: BoardModel, values: readonly Series[]): Record<string, Answers> {
  const panels = board.panels.filter(({ type }) => type !== 'row')
  return Object.fromEntries(panels.map(({ id, targets }) => [id, targets.map(() => values)]))
}

const rowsOf = ({ panels }: BoardModel) => panels.filter(({ type }) => type === 'row').map(({ title }) => title)

t.test('every panel of every board is drawn with its title, and label values are escaped', async t => {
  const values = [series(3, { le: '1' }), series(5, { le: '+Inf', id: 'data/db', title: 'db' })]
  for (const board of BOARDS) {
    const page = pageOf(board, rowsOf(board), answered(board, values), RANGE)
    for (const { title } of board.panels) t.ok(page.includes(title.replaceAll('<', '&lt;')), `${board.uid}: ${title}`)
    t.notMatch(page, /<web>|NaN|undefined|no data/, board.uid)
  }
})

t.test('a panel without data shows "no data"', async t => {
  const [board] = BOARDS
  const page = pageOf(board!, rowsOf(board!), {}, RANGE)
  t.equal(page.match(/no data/g)?.length, board!.panels.filter(({ type }) => type !== 'row').length)
})

t.test('rows that are not selected take no space', async t => {
  const [board] = BOARDS
  const [first, second] = rowsOf(board!)
  const whole = pageOf(board!, rowsOf(board!), {}, RANGE)
  const part = pageOf(board!, [second!], {}, RANGE)
  t.ok(part.includes(`>${second}<`))
  t.notOk(part.includes(`>${first}<`))
  const height = (page: string) => Number(/section style="height:(\d+)px/.exec(page)?.[1])
  t.ok(height(part) < height(whole))
})

t.test('an unknown kind of panel is an error', async t => {
  const [board] = BOARDS
  const panels = board!.panels.map(panel => ({ ...panel, type: panel.type === 'row' ? 'row' : 'gauge' }))
  t.throws(() => pageOf({ ...board!, panels }, rowsOf(board!), {}, RANGE), /has unknown type gauge/)
})

t.test('values are formatted in their unit, and an unknown unit is an error', async t => {
  t.strictSame(
    [
      formatted(0, 's'),
      formatted(0.000_241, 's'),
      formatted(90, 's'),
      formatted(0.0447, 'percentunit'),
      formatted(999, 'short'),
      formatted(1_234_567, 'Bps'),
      formatted(2001, 'pps'),
    ],
    ['0 s', '241 us', '1.5 min', '4.47 %', '999', '1.23 MB/s', '2 kp/s'],
  )
  t.throws(() => formatted(1, 'furlongs'), /furlongs/)
})

t.test('grid lines are at round values', async t => {
  t.strictSame([0.9, 4, 92_400, 0, 0.003].map(stepOf), [0.5, 1, 50_000, 0.5, 0.001])
})

t.test('the README shows a picture of each board, none of them large', async t => {
  const readme = readFileSync(new URL('README.md', ROOT), 'utf8')
  t.strictSame(
    SELECTIONS.map(({ uid }) => uid),
    boardsOf(WEIR).map(({ uid }) => uid),
  )
  for (const { uid, rows } of SELECTIONS) {
    const board = BOARDS.find(each => each.uid === uid)!
    for (const row of rows) t.ok(rowsOf(board).includes(row), `${uid} has a row ${row}`)
    const file = `docs/pictures/${uid}.png`
    t.match(readme, `(${file})`)
    t.ok(statSync(new URL(file, ROOT)).size < MOST_BYTES, file)
    t.equal(readFileSync(new URL(file, ROOT)).subarray(1, 4).toString(), 'PNG')
  }
})
