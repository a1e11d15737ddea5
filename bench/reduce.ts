/**
 * reduce.ts - ns per record on one core: hubble_* metrics `drop tcp flow` with their default contexts.
 */
import { hubbleCost } from './hubble-cost.js'

export const name = 'reduce'
export const unit = 'ns'
export const limit = 200
export const peer = 'Hubble 1.19.4 parser and handlers 4,300-4,900 ns'
export const peerValue = 4300
export const notes: string[] = []

export async function run(): Promise<number> {
  const { first, later } = hubbleCost('drop tcp flow')
  notes.splice(0, notes.length, `first pass, cold, most keys new: ${first.toFixed(0)} ns`)
  return later
}
