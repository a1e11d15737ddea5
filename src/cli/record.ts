// SPDX-License-Identifier: Apache-2.0
/**
 * record.ts - `weir record`: writes the records of the live source to a recording.
 *
 * Out:   a pcap file (link type 147) for `weir metrics` and `--source replay:`; its counts are those of the live source.
 * Stop:  SIGTERM, SIGINT or --duration. The kernel tables are flushed into the file first.
 */
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { createExporter } from '../agent/exporter.js'
import type { Log } from '../agent/log.js'
import { inventoryOrDefault } from '../agent/names/inventory-or-default.js'
import { explainKernel, requireCapabilities } from '../agent/source/kernel-errors.js'
import { logKernelError } from '../agent/source/kernel-log.js'
import { Live, type LiveOptions } from '../datapath/source/live.js'
import { loadNative } from '../datapath/source/native.js'
import { RecordingWriter } from '../datapath/source/recording-writer.js'
import { explainFile } from '../lib/os-error.js'

export interface RecordOptions extends LiveOptions {
  readonly output: string
  readonly inventory: string | undefined
  /** Milliseconds; undefined: until a signal. */
  readonly duration: number | undefined
}

const FRAME_HEADER = 4
const MS_PER_SECOND = 1000
const NS_PER_MS = 1_000_000

/** Returns the exit code. */
export async function record(options: RecordOptions, log: Log): Promise<number> {
  requireCapabilities() // before the file is truncated
  const { output } = options
  const { entities, reducer } = createExporter(inventoryOrDefault(options.inventory), true)
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
  const onError = (error: Error, what: string) => logKernelError(log, error, what)
  const stopped = whenStopped(stop, options.duration) // before the start, so that a signal during it still detaches
  const live = explainKernel(() => new Live(loadNative(), entities, options, reducer, { onError, onFrames }))
  const { attachments } = live.interfaces
  await Promise.race([attachments.attempted, stopped])
  log.info({ file: output, interfaces: attachments.list().length }, 'recording')
  await stopped
  live.close()
  if (stop.signal.reason instanceof Error) throw stop.signal.reason
  explainFile('output', output, () => writer.close())
  log.info({ file: output, records }, 'recording finished')
  return 0
}

/** Resolves after a signal, `ms` or an abort of `stop`, and cancels the other waits. */
async function whenStopped(stop: AbortController, ms: number | undefined): Promise<void> {
  const { signal } = stop
  const events = ['SIGTERM', 'SIGINT'].map(name => once(process, name, { signal }))
  if (ms !== undefined) events.push(after(ms, [], { signal }))
  const all = Promise.allSettled(events)
  await Promise.race(events).catch(() => undefined)
  if (!signal.aborted) stop.abort('done')
  await all
}

/** Writes each frame as a packet of the recording; returns their number. */
function write(writer: RecordingWriter, frames: Uint8Array, length: number): number {
  const view = new DataView(frames.buffer, frames.byteOffset, length)
  const now = Date.now()
  const seconds = Math.floor(now / MS_PER_SECOND)
  let records = 0
  for (let at = 0; at + FRAME_HEADER <= length; records++) {
    const size = view.getUint32(at, true)
    at += FRAME_HEADER
    writer.append(frames, at, size, seconds, (now % MS_PER_SECOND) * NS_PER_MS)
    at += size
  }
  return records
}
