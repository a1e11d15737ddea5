/**
 * record.ts - `weir record`: write the records of the live source to a recording.
 *
 * Out:   a pcap file (link type 147) that `weir metrics` and `--source replay:` read; the counts in it are the live ones.
 * Stop:  SIGTERM, SIGINT or --duration; what the tables still hold is swept into the file first.
 */
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { Live, type LiveOptions } from '../datapath/live.js'
import { loadNative } from '../datapath/native.js'
import { RecordingWriter } from '../datapath/recording-writer.js'
import { createExporter } from './exporter.js'
import { explainKernel } from './kernel.js'
import type { Log } from './log.js'

export interface RecordOptions extends LiveOptions {
  readonly output: string
  readonly world?: string
  /** Milliseconds; without it until a signal. */
  readonly duration?: number
}

const FRAME_HEADER = 4

export async function record(options: RecordOptions, log: Log): Promise<number> {
  const { entities, reducer } = createExporter(options.world, true)
  const writer = new RecordingWriter(options.output)
  let records = 0
  const live = explainKernel(
    () =>
      new Live(loadNative(), entities, options, reducer, {
        onError: (error, what) => log.error({ what, err: error.message }, 'system refused'),
        onFrames: (frames, length) => {
          records += write(writer, frames, length)
        },
      }),
  )
  log.info({ file: options.output, interfaces: live.interfaces.names().length }, 'recording')
  const stop = new AbortController()
  const ends = ['SIGTERM', 'SIGINT'].map(name => once(process, name, { signal: stop.signal }))
  if (options.duration !== undefined) ends.push(after(options.duration, [], { signal: stop.signal }))
  await Promise.race(ends)
  for (const end of ends) end.catch(() => undefined) // aborted below: that is their end
  stop.abort()
  live.close()
  writer.close()
  log.info({ file: options.output, records }, 'recorded')
  return 0
}

/** Each frame as a packet of the recording; how many there were. */
function write(writer: RecordingWriter, frames: Uint8Array, length: number): number {
  const view = new DataView(frames.buffer, frames.byteOffset, length)
  const now = Date.now()
  const seconds = Math.floor(now / 1000)
  let records = 0
  for (let at = 0; at + FRAME_HEADER <= length; records++) {
    const size = view.getUint32(at, true)
    at += FRAME_HEADER
    writer.append(frames, at, size, seconds, (now % 1000) * 1_000_000)
    at += size
  }
  return records
}
