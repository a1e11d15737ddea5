/**
 * worker.ts - the watch's own thread: whatever takes long, a page of JSON above all, delays no drain of the ring.
 *
 * In:    workerData; acknowledgements and requests of the main thread.
 * Out:   batches and states. A kubeconfig that is wrong is `refused`.
 */
import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import { pack } from '../cluster/packed-changes.js'
import type { AccessSource } from './access.js'
import { accessSource } from './access-source.js'
import { ClusterWatch } from './cluster-watch.js'
import type { FromWorker, ToWorker, WorkerStart } from './message.js'

const { options, firstIdentity } = workerData as WorkerStart
const post = (message: FromWorker): void => parentPort?.postMessage(message)

function postChanges(changes: EntityChanges): void {
  const packed = pack(changes)
  parentPort?.postMessage({ kind: 'changes', packed } satisfies FromWorker, [packed.words.buffer])
}

/** Above the process's own: where there are too few CPUs, the ring is drained first. */
const NICER = 5
const NICEST = 19
/** To Linux, of those who ask (setpriority(2)). */
const THIS_THREAD = 0

async function main(): Promise<void> {
  setPriority(THIS_THREAD, Math.min(getPriority(THIS_THREAD) + NICER, NICEST))
  let access: AccessSource
  try {
    access = await accessSource(options)
  } catch (error) {
    post({ kind: 'refused', message: (error as Error).message })
    return
  }
  const postState = () => post({ kind: 'state', state: watch.state })
  const watch = new ClusterWatch(access, options, postChanges, postState, firstIdentity)
  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'applied') watch.applied()
    else if (message.kind === 'state') postState()
    else {
      watch.stop()
      parentPort?.close()
    }
  })
  const running = watch.run()
  // Before the first answer, which may be long in coming.
  postState()
  await running
}

await main()
