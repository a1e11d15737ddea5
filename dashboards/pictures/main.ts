/**
 * main.ts - draws docs/pictures/: a picture of each board from what a real Prometheus has of a live lab.
 *
 * In:    `--keep FILE` writes what Prometheus answered, `--from FILE` draws from that and needs no lab; root, BPF, Chromium.
 * Out:   a PNG a board. They are no screenshots of Grafana: its queries and layout, drawn by picture.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { jsonOf } from '../board.js'
import { boardsOf } from '../generated.js'
import { WEIR } from '../vocabulary.js'
import type { Range, Recorded } from './answer.js'
import { shoot } from './browser.js'
import { CHOSEN } from './chosen.js'
import { type BoardModel, pageOf } from './picture.js'
import { recordLab } from './record.js'

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
const pages = CHOSEN.map(({ uid, rows }) => {
  const board = boards.find(each => each.uid === uid)!
  return { file: `${OUT}${uid}.png`, html: pageOf(board, rows, kept.answers[uid] ?? {}, kept.range) }
})
await shoot(pages)
