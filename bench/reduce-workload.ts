/**
 * reduce-workload.ts - ns per record on one core: seven hubble_* families with workload contexts (bench/fixtures/bench.config).
 */
import { readFileSync } from 'node:fs'
import { hubbleCost } from './hubble-cost.js'
import { fileOf } from './recorded.js'

export const name = 'reduce-workload'
export const unit = 'ns'
export const limit = 250
export const peer = 'Hubble 1.19.4 parser and handlers 9,200-10,100 ns'
export const peerValue = 9200
export const notes: string[] = []

export async function run(): Promise<number> {
  const { first, later } = hubbleCost(readFileSync(fileOf('./fixtures/bench.config'), 'utf8'))
  notes.splice(0, notes.length, `first pass, cold, most keys new: ${first.toFixed(0)} ns`)
  return later
}
