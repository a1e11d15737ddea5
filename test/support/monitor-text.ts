/**
 * monitor-text.ts - one record to what the monitor prints of it, for the tests of its lines.
 */
import { Filter, type FilterOptions } from '../../src/monitor/filter.js'
import { Formatter } from '../../src/monitor/formatter.js'
import { identityText, type Names, type Verbosity } from '../../src/monitor/style.js'

const NAMES: Names = {
  identity: identityText,
  interfaceName: ifindex => (ifindex === 9 ? 'lxc9' : String(ifindex)),
  kernelReason: reason => `REASON_${reason}`,
}

export interface Ask {
  readonly verbosity?: Verbosity
  readonly hex?: boolean
  readonly names?: Partial<Names>
  readonly filter?: Partial<FilterOptions>
}

const ALL: FilterOptions = { types: [], from: [], to: [], relatedTo: [] }
const CPU = 7

export function formatterOf({ verbosity = 'info', hex = false, names = {}, filter = {} }: Ask = {}): Formatter {
  return new Formatter({ verbosity, hex, names: { ...NAMES, ...names } }, new Filter({ ...ALL, ...filter }))
}

/** The record stands in the middle of other bytes, as in a batch. */
export function monitorText(record: Uint8Array, ask: Ask = {}): string {
  const exclusive = Buffer.concat([Buffer.from('ffffff', 'hex'), record, Buffer.from('eeeeee', 'hex')])
  const view = new DataView(exclusive.buffer, exclusive.byteOffset, exclusive.length)
  return formatterOf(ask).record(view, 3, record.length, CPU)
}
