/**
 * main.ts - draws docs/pictures/: a picture of each board, from a Prometheus that scrapes a live lab.
 *
 * In:    `--keep FILE` saves Prometheus' answers, `--from FILE` draws from them without a lab. Needs root, BPF and Chromium.
 * Out:   one PNG per board. They are not screenshots of Grafana: picture.ts draws the board's queries and layout.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { jsonOf } from '../board.js'
import { boardsOf } from '../generated.js'
import { WEIR } from '../vocabulary.js'
import type { Range, Recorded } from './answer.js'
import { shoot } from './browser.js'
import { type BoardModel, pageOf } from './picture.js'
import { recordLab } from './record.js'
import { SELECTIONS } from './selection.js'

const OUT = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))

interface Kept {
  readonly range: Range
  readonly answers: Recorded
}

function flag(name: string): string | undefined {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}

const boards = boardsOf(WEIR).map(board => JSON.parse(jsonOf(board)) as BoardModel)
const from = flag('--from')
const kept: Kept = from === undefined ? await recordLab(boards) : JSON.parse(readFileSync(from, 'utf8'))
const keep = flag('--keep')
if (keep !== undefined) writeFileSync(keep, JSON.stringify(kept))
mkdirSync(OUT, { recursive: true })
const pages = SELECTIONS.map(({ uid, rows }) => {
  const board = boards.find(each => each.uid === uid)!
  return { file: `${OUT}${uid}.png`, html: pageOf(board, rows, kept.answers[uid] ?? {}, kept.range) }
})
await shoot(pages)
