// SPDX-License-Identifier: Apache-2.0
/**
 * worker.ts - the watch's thread, so that parsing pages of JSON does not delay the main thread, which drains the ring.
 *
 * In:    workerData; acknowledgements and requests of the main thread.
 * Out:   batches and states. Posts `refused` when the kubeconfig is wrong.
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

/** Added to the process's nice value: where CPUs are scarce, draining the ring comes first. */
const NICER = 5
const NICEST = 19
/** 0 is the calling thread (setpriority(2)). */
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
    else postState()
  })
  const running = watch.run()
  // Before the first response of the API server, which may take long.
  postState()
  await running
}

await main()
