/**
 * worker.ts - the thread that encodes and sends.
 *
 * In:    workerData (WorkerStart), then messages (message.ts).
 * Out:   `ready` once, `done` for each `export`, `heard` for each `hear`.
 * Fail:  a bug ends the thread; otlp.ts starts another one and counts it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Batches } from './batches.js'
import { exportAll } from './export.js'
import { Rows } from './exported-families.js'
import type { Done, Heard, Ready, ToWorker, WorkerStart } from './message.js'
import { exporterOf, Sender } from './sender.js'

const start = workerData as WorkerStart
const port = parentPort
if (port === null) throw new Error('worker.ts is a worker thread')

const rows = new Rows()
const batches = new Batches(rows, start.config)
const sender = exporterOf(start.config).then(exporter => new Sender(start, exporter))
sender.then(() => port.postMessage({ kind: 'ready' } satisfies Ready))
let givenUp = 0
let unsayable = 0

port.on('message', (message: ToWorker) => {
  if (message.kind === 'export') void run(message.time, message.withinMs)
  else if (message.kind === 'hear') port.postMessage({ kind: 'heard' } satisfies Heard)
  else if (message.kind === 'close') void close()
  else rows.heed(message)
})

async function run(time: number, withinMs: number): Promise<void> {
  const before = performance.eventLoopUtilization()
  const sums = await guarded(time, withinMs)
  const dropped = rows.givenUp - givenUp + batches.unsayable - unsayable
  givenUp = rows.givenUp
  unsayable = batches.unsayable
  const busyMs = performance.eventLoopUtilization(before).active
  port!.postMessage({ kind: 'done', ...sums, dropped, busyMs } satisfies Done)
}

async function guarded(time: number, withinMs: number): Promise<Awaited<ReturnType<typeof exportAll>>> {
  const ready = await sender
  try {
    ready.renew()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    return { outcome: 'unreachable', why: error.message, requests: 0, accepted: 0, rejected: 0, pauseMs: 0 }
  }
  return exportAll(batches, ready, time, withinMs)
}

async function close(): Promise<void> {
  await (await sender).close()
  port!.close()
}
