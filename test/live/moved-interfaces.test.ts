/**
 * moved-interfaces.test.ts - a pod's interface that leaves the node's namespace is no longer counted, and again once it is back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must } from '../../src/lab/process.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 57
const PORT = 4000
const DATAGRAMS = 20
/** The kernel takes up to a second to notice that the peer is up. */
const LINKWATCH_MS = 1500
/** An address that left its interface may be another pod's by now: counts wait 5 s for its name. */
const DOUBT_MS = 6000

async function rx(netns: string, link: string): Promise<number> {
  const [{ stats64 }] = JSON.parse(await must(['ip', '-n', netns, '-j', '-s', 'link', 'show', link])) as [
    { stats64: { rx: { packets: number } } },
  ]
  return stats64.rx.packets
}

const watched = (weir: WeirProcess, pods: number) =>
  until(
    `${pods} interfaces are watched`,
    async () => (await weir.metrics()).get('weir_interfaces_watched', { hook: 'pod' }) === pods,
  )

/** Sends datagrams, and returns what was counted `waitMs` later. */
async function sent(lab: Lab, weir: WeirProcess, waitMs = 0): Promise<(number | undefined)[]> {
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP', verdict: 'FORWARDED' }
  const read = async () => {
    const page = await weir.metrics()
    return ['source', 'destination'].map(reporter => page.sum('weir_flow_packets_total', { ...flow, reporter }))
  }
  const before = await read()
  await a.agent.call('udpSend', { host: b.ipv4, port: PORT, count: DATAGRAMS, size: 10 })
  await sleep(waitMs)
  return (await read()).map((n, i) => n - before[i]!)
}

for (const mode of ['tcx', 'tc']) {
  t.test(`attached by ${mode}`, ROOT, async t => {
    const lab = await labOf(t, ['moved/a', 'moved/b'], { network: NETWORK })
    const [a, b] = [lab.pod('a'), lab.pod('b')]
    await b.agent.call('udpServe', { port: PORT, answer: 'none' })
    const weir = await watch(t, lab, '--attach', mode)
    t.strictSame(await sent(lab, weir), [DATAGRAMS, DATAGRAMS])
    const away = `${lab.node.netns}-away`
    const ip = (...argv: string[]) => must(['ip', ...argv])
    await ip('netns', 'add', away)
    t.teardown(() => ip('netns', 'del', away))
    const routes = await must(['ip', '-n', lab.node.netns, 'route', 'show', 'dev', a.link])
    const neighbours = await must([
      'ip',
      '-n',
      lab.node.netns,
      '-4',
      'neigh',
      'show',
      'dev',
      a.link,
      'nud',
      'permanent',
    ])
    await ip('-n', lab.node.netns, 'link', 'set', a.link, 'netns', away)
    await watched(weir, 1)
    await ip('-n', away, 'link', 'set', a.link, 'up')
    await sleep(LINKWATCH_MS)
    const before = await rx(away, a.link)
    t.strictSame(await sent(lab, weir), [0, 0], 'away')
    t.ok((await rx(away, a.link)) >= before + DATAGRAMS, 'packets went there')
    await ip('-n', away, 'link', 'set', a.link, 'netns', lab.node.netns)
    await ip('-n', lab.node.netns, 'link', 'set', a.link, 'up')
    for (const route of routes.trim().split('\n'))
      await ip('-n', lab.node.netns, 'route', 'replace', ...route.trim().split(/\s+/), 'dev', a.link)
    for (const line of neighbours.trim().split('\n')) {
      const [address = '', , mac = ''] = line.split(/\s+/)
      if (mac) await ip('-n', lab.node.netns, 'neigh', 'replace', address, 'lladdr', mac, 'dev', a.link)
    }
    await watched(weir, 2)
    await sleep(LINKWATCH_MS)
    t.strictSame(await sent(lab, weir, DOUBT_MS), [DATAGRAMS, DATAGRAMS], 'back')
    t.equal((await weir.metrics()).sum('weir_interface_errors_total'), 0)
    t.notOk(/level=error/.test(weir.stderr()), weir.stderr())
  })
}
