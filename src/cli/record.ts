/**
 * record.ts - `weir record`: write the records of the live source to a recording.
 *
 * Out:   a pcap file (link type 147) that `weir metrics` and `--source replay:` read; the counts in it are the live ones.
 * Stop:  SIGTERM, SIGINT or --duration; what the tables still hold is swept into the file first.
 */
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { createExporter } from '../agent/exporter.js'
import type { Log } from '../agent/log.js'
import { explainKernel, requireCapabilities } from '../agent/source/kernel-errors.js'
import { Live, type LiveOptions } from '../datapath/source/live.js'
import { loadNative } from '../datapath/source/native.js'
import { RecordingWriter } from '../datapath/source/recording-writer.js'
import { explainFile } from '../lib/os-error.js'

export interface RecordOptions extends LiveOptions {
  readonly output: string
  readonly inventory: string | undefined
  /** Milliseconds; without it until a signal. */
  readonly duration: number | undefined
}

const FRAME_HEADER = 4

export async function record(options: RecordOptions, log: Log): Promise<number> {
  requireCapabilities() // before the file is emptied
  const { output } = options
  const { entities, reducer } = createExporter(options.inventory, true)
  const writer = explainFile('output', output, () => new RecordingWriter(output))
  const stop = new AbortController()
  let records = 0
  const onFrames = (frames: Uint8Array, length: number) => {
    if (stop.signal.reason instanceof Error) return
    try {
      records += explainFile('output', output, () => write(writer, frames, length))
    } catch (error) {
      stop.abort(error)
    }
  }
  const onError = (error: Error, what: string) => log.error({ what, err: error.message }, 'attach failed')
  const ended = stopped(stop, options.duration) // from now on: a signal that comes during the start finds something to detach
  const live = explainKernel(() => new Live(loadNative(), entities, options, reducer, { onError, onFrames }))
  log.info({ file: output, interfaces: live.interfaces.names().length }, 'recording')
  await ended
  live.close()
  if (stop.signal.reason instanceof Error) throw stop.signal.reason
  explainFile('output', output, () => writer.close())
  log.info({ file: output, records }, 'recorded')
  return 0
}

/** Until a signal, `ms` or an abort, which ends the other waits as well. */
async function stopped(stop: AbortController, ms: number | undefined): Promise<void> {
  const { signal } = stop
  const ends = ['SIGTERM', 'SIGINT'].map(name => once(process, name, { signal }))
  if (ms !== undefined) ends.push(after(ms, [], { signal }))
  const all = Promise.allSettled(ends)
  await Promise.race(ends).catch(() => undefined)
  if (!signal.aborted) stop.abort('done')
  await all
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
