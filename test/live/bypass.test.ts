/**
 * bypass.test.ts - packets that skip the interface of a pod are noticed; asymmetric, lost and early packets are not.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import type { Pod } from '../../src/lab/pod.js'
import { must } from '../../src/lab/process.js'
import { redirectPeers } from '../support/redirect-peer.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const PORT = 8080
const QUICK = ['--report-interval', '500ms'] as const
const WITHOUT = [...QUICK, '--pod-end', 'never'] as const
/** Longer than the time after an attach that proves nothing, and than evidence is held back. */
const SETTLED_MS = 2500

t.test('packets forwarded by bpf_redirect_peer, without a program at the pods', ROOT, async t => {
  const lab = await labOf(t, ['bypass/a', 'bypass/b'], { network: 61 })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: [PORT] })
  await redirectPeers(t, lab, [a, b])

  await t.test('are noticed within two seconds of the report', async t => {
    const weir = await watch(t, lab, ...WITHOUT)
    await sleep(SETTLED_MS)
    t.equal((await ready(weir)).status, 200, 'ready before')
    await connect(a, b, 3)
    const start = Date.now()
    await until('both are bypassed', async () => bypassed(await weir.metrics()).length === 2)
    t.ok(Date.now() - start < 3500, `noticed after ${Date.now() - start} ms`)
    t.strictSame(bypassed(await weir.metrics()), [`${a.link} to_pod`, `${b.link} to_pod`].sort())
    const answer = await ready(weir)
    t.equal(answer.status, 503)
    t.match(answer.body, /packets bypass .*\(to_pod\)/)
    t.match(weir.stderr(), /level=error .*msg="packets bypass the interface"/)
    t.match(await (await fetch(`${weir.url}/`)).text(), /bypassed interfaces/)
    await weir.stop()
  })

  await t.test('are noticed within two seconds, without a report or an end of the connections', async t => {
    const weir = await watch(t, lab, '--report-interval', '30s', '--pod-end', 'never')
    await sleep(SETTLED_MS)
    await weir.metrics() // connections from before the attachment are reported
    await Promise.all([1, 2, 3].map(() => keepOpen(t, a, b)))
    const start = Date.now()
    await until('not ready', async () => (await ready(weir)).status === 503, 5000)
    t.ok(Date.now() - start < 2000, `noticed after ${Date.now() - start} ms`)
    await weir.stop()
  })

  await t.test('leave Weir ready with --on-bypass warn', async t => {
    const weir = await watch(t, lab, ...WITHOUT, '--on-bypass', 'warn')
    await sleep(SETTLED_MS)
    await connect(a, b, 3)
    await until('both are bypassed', async () => bypassed(await weir.metrics()).length === 2)
    t.equal((await ready(weir)).status, 200)
    await weir.stop()
  })
})

t.test('no alarm', ROOT, async t => {
  const lab = await labOf(t, ['bypass/a', 'bypass/b'], { network: 62 })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: [PORT] })

  await t.test('after a restart under load', async t => {
    let stopped = false
    const load = (async () => {
      while (!stopped) await connect(a, b, 50)
    })()
    for (let restart = 0; restart < 3; restart++) {
      const weir = await watch(t, lab, ...QUICK)
      await sleep(SETTLED_MS)
      await checkQuiet(t, weir)
      await weir.stop()
    }
    stopped = true
    await load
  })

  await t.test('when one direction is lost', async t => {
    const weir = await watch(t, lab, ...QUICK)
    await sleep(SETTLED_MS)
    await lab.nft(`table inet lost {
      chain forward {
        type filter hook forward priority 0
        ip saddr ${b.ipv4} drop
      }
    }`)
    t.teardown(() => lab.run('node', ['nft', 'delete', 'table', 'inet', 'lost']))
    await a.agent.call('tcpStorm', { host: b.ipv4, ports: [PORT], count: 10, concurrency: 10, timeoutMs: 3000 })
    await sleep(SETTLED_MS)
    await checkQuiet(t, weir)
    await weir.stop()
    await lab.run('node', ['nft', 'delete', 'table', 'inet', 'lost'])
  })

  await t.test('when a pod sends by one interface and receives by another', async t => {
    await secondInterface(t, lab, a)
    const weir = await watch(t, lab, ...QUICK)
    await sleep(SETTLED_MS)
    await connect(a, b, 10)
    await sleep(SETTLED_MS)
    await checkQuiet(t, weir)
    await weir.stop()
  })
})

/** Adds net1 to a pod; the node sends the pod's packets there, and the pod sends by eth0. */
async function secondInterface(t: Test, lab: Lab, pod: Pod): Promise<void> {
  const link = 'net1-host'
  const ip = (...argv: string[]) => must(['ip', '-n', lab.node.netns, ...argv])
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'net1', 'netns', pod.netns)
  t.teardown(() => ip('link', 'del', link))
  await must(['ip', '-n', pod.netns, 'link', 'set', 'net1', 'address', pod.podMac, 'up'])
  await ip('link', 'set', link, 'up')
  await ip('route', 'replace', `${pod.ipv4}/32`, 'dev', link)
  await ip('neigh', 'replace', pod.ipv4, 'lladdr', pod.podMac, 'dev', link)
  t.teardown(() => ip('route', 'replace', `${pod.ipv4}/32`, 'dev', pod.link))
  for (const name of ['all', 'net1', 'eth0']) await lab.run(pod, ['sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`])
}

/** A connection that sends some data and stays open. */
async function keepOpen(t: Test, from: Pod, to: Pod): Promise<void> {
  const script = `require('net').connect(${PORT}, '${to.ipv4}', function () { this.write('x'); console.log('open') })`
  const client = from.spawn([process.execPath, '-e', script])
  t.teardown(() => client.kill('SIGKILL'))
  await once(client.stdout!, 'data')
}

async function connect(from: Pod, to: Pod, count: number): Promise<void> {
  const storm = { host: to.ipv4, ports: [PORT], count, concurrency: 5 }
  const { failed } = await from.agent.call('tcpStorm', storm)
  if (failed > 0) throw new Error(`${failed} of ${count} connections failed`)
}

function bypassed(page: Samples): string[] {
  return page
    .series('weir_interface_bypassed')
    .filter(({ value }) => value === 1)
    .map(({ labels }) => `${labels.interface} ${labels.direction}`)
    .sort()
}

async function checkQuiet(t: Test, weir: WeirProcess): Promise<void> {
  const page = await weir.metrics()
  t.strictSame(bypassed(page), [])
  t.equal(page.sum('weir_bypassed_connections_total'), 0, 'no evidence')
  t.equal((await ready(weir)).status, 200)
}

async function ready(weir: WeirProcess): Promise<{ status: number; body: string }> {
  const response = await fetch(`${weir.url}/-/ready`)
  return { status: response.status, body: await response.text() }
}
