/**
 * monitor-text.ts - formats one record as the monitor prints it.
 */
import { Filter, type FilterOptions } from '../../src/monitor/filter.js'
import { Formatter } from '../../src/monitor/formatter.js'
import { identityText, type Names, type Verbosity } from '../../src/monitor/style.js'

const NAMES: Names = {
  identity: identityText,
  interfaceName: ifindex => (ifindex === 9 ? 'lxc9' : String(ifindex)),
  kernelReason: reason => `REASON_${reason}`,
}

export interface MonitorTextOptions {
  readonly verbosity?: Verbosity
  readonly hex?: boolean
  readonly names?: Partial<Names>
  readonly filter?: Partial<FilterOptions>
}

const ALL: FilterOptions = { types: [], from: [], to: [], relatedTo: [] }
const CPU = 7

export function formatterOf({
  verbosity = 'info',
  hex = false,
  names = {},
  filter = {},
}: MonitorTextOptions = {}): Formatter {
  return new Formatter({ verbosity, hex, names: { ...NAMES, ...names } }, new Filter({ ...ALL, ...filter }))
}

/** The text of a record that is in the middle of other bytes, as in a batch. */
export function monitorText(record: Uint8Array, options: MonitorTextOptions = {}): string {
  const batch = Buffer.concat([Buffer.from('ffffff', 'hex'), record, Buffer.from('eeeeee', 'hex')])
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length)
  return formatterOf(options).record(view, 3, record.length, CPU)
}
