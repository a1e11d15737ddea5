/**
 * recordings.ts - fuzz target: a file given to `weir observe --input-file`.
 *
 * Out:   the file is refused with an Error that names it, or gives flows with valid times, up to the damage.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { RecordedFlows } from '../../src/hubble/observe/recorded-flows.js'
import { INVENTORY } from '../support/flow-records.js'
import { validRecords } from './records.js'
import { around, type FuzzTarget, mutated } from './target.js'

const FOLDER = mkdtempSync(join(tmpdir(), 'weir-fuzz-'))
const PATH = join(FOLDER, 'recording.pcap')
const MAGIC_NS = 0xa1b23c4d
const MAGIC_US = 0xa1b2c3d4
const LINK_TYPE = 147
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$/
const resolver = InventoryResolver.from(parseInventory(INVENTORY, 'inventory'))
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }))

const u32 = fc.oneof(fc.constantFrom(0, 1_700_000_000, 999_999_999, 1_000_000_000, 0xffff_ffff), fc.nat(0xffff_ffff))
const packets = fc.array(fc.tuple(u32, u32, validRecords), { maxLength: 8 })
const plain = fc.tuple(fc.constantFrom(MAGIC_NS, MAGIC_US), packets).map(([magic, all]) => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(magic)
  header.writeUInt32LE(LINK_TYPE, 20)
  const parts = all.flatMap(([seconds, fraction, record]) => {
    const head = Buffer.alloc(16)
    head.writeUInt32LE(seconds)
    head.writeUInt32LE(fraction, 4)
    head.writeUInt32LE(record.length, 8)
    head.writeUInt32LE(record.length, 12)
    return [head, record]
  })
  return new Uint8Array(Buffer.concat([header, ...parts]))
})
const packed = fc.oneof(plain, mutated(plain)).map(bytes => new Uint8Array(gzipSync(bytes)))

export const recordings: FuzzTarget = {
  name: 'recordings',
  input: around(fc.oneof({ weight: 3, arbitrary: plain }, packed)),
  run(file) {
    writeFileSync(PATH, file)
    let flows: RecordedFlows
    try {
      flows = new RecordedFlows({ path: PATH, resolver, nodeName: 'node', version: '1.2.3' })
    } catch (error) {
      if ((error as Error).message.startsWith(PATH)) return
      throw error
    }
    for (const { flow } of flows) if (!TIME.test(flow?.time ?? '')) throw new Error(`time ${flow?.time}`)
  },
}
