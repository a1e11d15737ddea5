/**
 * recorded.ts - a recording as frames in memory, for the cases that read one.
 */
import { fileURLToPath } from 'node:url'
import { RecordingReader } from '../src/datapath/source/recording-reader.js'

const FRAME_HEADER = 4

/** A recording as drain() would deliver it: u32 size, then the record. */
export function recordedFrames(path: string): Uint8Array {
  const reader = new RecordingReader(path)
  const parts: Uint8Array[] = []
  while (reader.next()) {
    const frame = new Uint8Array(FRAME_HEADER + reader.size)
    new DataView(frame.buffer).setUint32(0, reader.size, true)
    frame.set(new Uint8Array(reader.view.buffer, reader.view.byteOffset + reader.at, reader.size), FRAME_HEADER)
    parts.push(frame)
  }
  reader.close()
  return Buffer.concat(parts)
}

/** A path from this folder. */
export function fileOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
