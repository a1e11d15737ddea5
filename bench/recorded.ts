/**
 * recorded.ts - loads a recording as frames into memory, for the cases that replay one.
 */
import { fileURLToPath } from 'node:url'
import { RecordingReader } from '../src/datapath/source/recording-reader.js'

const FRAME_HEADER = 4

/** A recording in the form drain() returns: for each record a u32 size, then its bytes. */
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

/** A path relative to this folder. */
export function fileOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
