// SPDX-License-Identifier: Apache-2.0
/**
 * worker.ts - the thread that encodes and sends.
 *
 * In:    workerData (WorkerStart), then messages (message.ts).
 * Out:   `ready` once, `done` for each `export`, `acknowledged` for each `acknowledge`.
 * Fail:  a bug ends the thread; otlp.ts starts a new one and counts the restart.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Batches } from './batches.js'
import { exportAll } from './export.js'
import { ExportedFamilies } from './exported-families.js'
import type { Acknowledged, Done, Ready, ToWorker, WorkerStart } from './message.js'
import { exporterOf, Sender } from './sender.js'

const start = workerData as WorkerStart
const port = parentPort
if (port === null) throw new Error('worker.ts is a worker thread')

const families = new ExportedFamilies()
const batches = new Batches(families, start.config)
const sender = exporterOf(start.config).then(exporter => new Sender(start, exporter))
sender.then(() => port.postMessage({ kind: 'ready' } satisfies Ready))
/** Series dropped and values left out up to the last export. */
let droppedBefore = 0

port.on('message', (message: ToWorker) => {
  if (message.kind === 'export') void run(message.time, message.withinMs)
  else if (message.kind === 'acknowledge') port.postMessage({ kind: 'acknowledged' } satisfies Acknowledged)
  else families.apply(message)
})

async function run(time: number, withinMs: number): Promise<void> {
  const before = performance.eventLoopUtilization()
  const totals = await renewAndExport(time, withinMs)
  const droppedNow = families.dropped + batches.nonFinite
  const dropped = droppedNow - droppedBefore
  droppedBefore = droppedNow
  const busyMs = performance.eventLoopUtilization(before).active
  port!.postMessage({ kind: 'done', ...totals, dropped, busyMs } satisfies Done)
}

async function renewAndExport(time: number, withinMs: number): Promise<Awaited<ReturnType<typeof exportAll>>> {
  const ready = await sender
  try {
    ready.renew()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    return { result: 'unreachable', detail: error.message, requests: 0, accepted: 0, rejected: 0, pauseMs: 0 }
  }
  return exportAll(batches, ready, time, withinMs)
}
