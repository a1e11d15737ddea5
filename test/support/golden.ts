/**
 * golden.ts - the exposition `weir metrics` must print, as a fixture; `make golden` writes it.
 *
 * In:    some records of examples/records.pcap, examples/inventory.json, the built command.
 * Out:   test/fixtures/metrics.prom: the page without lines that depend on the machine.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RecordingReader } from '../../src/datapath/source/recording-reader.js'
import { RecordingWriter } from '../../src/datapath/source/recording-writer.js'
import { weir } from './command.js'

export const GOLDEN = fileURLToPath(new URL('../fixtures/metrics.prom', import.meta.url))
/** These records include every type, truncated ones and unknown types. All records would make a page of 3 MB. */
const FROM = 150
const TO = 250
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** The command's output without weir_build_info, which depends on the machine. */
export function exposition(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-golden-'))
  try {
    const recording = join(folder, 'part.pcap')
    copy(FROM, TO, join(EXAMPLES, 'records.pcap'), recording)
    const args = ['metrics', '--input-file', recording, '--inventory', join(EXAMPLES, 'inventory.json')]
    const { code, stdout, stderr } = weir(args)
    if (code !== 0) throw new Error(`weir metrics exited with ${code}: ${stderr}`)
    return stdout.replace(/^weir_build_info\{.*\n/gm, '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function copy(from: number, to: number, source: string, target: string): void {
  const reader = new RecordingReader(source)
  const writer = new RecordingWriter(target)
  while (reader.records < to && reader.next()) {
    const { view, at, size, seconds, nanoseconds } = reader
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    if (reader.records > from) writer.append(bytes, at, size, seconds, nanoseconds)
  }
  reader.close()
  writer.close()
}
