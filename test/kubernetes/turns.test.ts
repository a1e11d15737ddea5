/**
 * turns.test.ts - while a cluster is being told, the event loop turns: the ring is drained between batches.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { Kubernetes } from '../../src/kubernetes/kubernetes.js'
import { PODS, pod, serviceAccount, startedApi } from '../support/named-cluster.js'
import { until } from '../support/until.js'

const COUNT = 20_000
/** Batches on the way at most. */
const AT_ONCE = 2

t.test('no more than two batches are applied in one turn of the loop, however fast they come', async t => {
  const api = await startedApi(t)
  for (let i = 0; i < COUNT; i++) api.store.put(PODS, pod(`many/pod-${i}`, { ips: [`10.1.${i >> 8}.${i & 255}`] }))
  let turn = 0
  let upserts = 0
  const batches: number[] = []
  let counting = true
  const again = () => {
    turn++
    if (counting) setImmediate(again)
  }
  again()
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
  await until('all are told', () => watch.synced)
  t.ok(upserts >= COUNT)
  const [own, ...others] = niceOfThreads()
  t.ok(
    others.includes(own! + 5),
    `the watch is a thread that gives way to this one, which is at ${own}; others: ${others}`,
  )
  const most = Math.max(...batches.map(of => batches.filter(turn => turn === of).length))
  t.ok(most <= AT_ONCE, `${most} of ${batches.length} batches in one turn`)
})

/** The main thread's first. */
function niceOfThreads(): number[] {
  const threads = readdirSync('/proc/self/task').sort((a, b) => Number(a) - Number(b))
  // Its name, in brackets, may have spaces; nice is the 17th field behind it (proc_pid_stat(5)).
  return threads.map(thread =>
    Number(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]),
  )
}
