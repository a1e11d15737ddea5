/**
 * event-loop.test.ts - while a cluster is being applied, the event loop turns between batches, so the ring is drained.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { Kubernetes } from '../../src/kubernetes/kubernetes.js'
import { PODS, pod, serviceAccount, startedApi } from '../support/named-cluster.js'
import { until } from '../support/until.js'

const COUNT = 20_000
/** Batches in flight at most. */
const MAX_PER_TURN = 2

t.test('at most two batches are applied in one turn of the event loop, however fast they arrive', async t => {
  const api = await startedApi(t)
  for (let i = 0; i < COUNT; i++) api.store.put(PODS, pod(`many/pod-${i}`, { ips: [`10.1.${i >> 8}.${i & 255}`] }))
  let turn = 0
  let upserts = 0
  const batches: number[] = []
  let counting = true
  const countTurns = () => {
    turn++
    if (counting) setImmediate(countTurns)
  }
  countTurns()
  t.teardown(() => {
    counting = false
  })
  const account = { host: '127.0.0.1', port: String(api.port), directory: serviceAccount(t, api) }
  const options = { nodeName: 'n1', cilium: 'never', requireSync: true, userAgent: 'weir-test', account } as const
  const watch = new Kubernetes(options, {
    changes(changes) {
      upserts += changes.upserts.length
      batches.push(turn)
    },
    keys: () => [],
    workerDied: error => t.fail(error.message),
  })
  t.teardown(() => watch.stop())
  await watch.start()
  await until('all pods are applied', () => watch.synced)
  t.ok(upserts >= COUNT)
  const [own, ...others] = niceOfThreads()
  t.ok(
    others.includes(own! + 5),
    `the watch thread has a higher nice value than this one, which has ${own}; others: ${others}`,
  )
  const max = Math.max(...batches.map(of => batches.filter(turn => turn === of).length))
  t.ok(max <= MAX_PER_TURN, `${max} of ${batches.length} batches in one turn`)
})

/** Nice values of this process's threads, the main thread first. */
function niceOfThreads(): number[] {
  const threads = readdirSync('/proc/self/task').sort((a, b) => Number(a) - Number(b))
  // The thread's name, in brackets, may contain spaces; nice is the 17th field after it (proc_pid_stat(5)).
  return threads.map(thread =>
    Number(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]),
  )
}
