/**
 * confined.test.ts - the container's command, with what the chart gives it and nothing else, counts every packet of a lab.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bulk, ping } from '../../src/lab/traffic.js'
import { imageRoot, startConfined, THREE } from '../support/confined.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { addsUp, agreesWithLinks, connectionsAddUp, reportersAgree } from '../support/ledger.js'

const NETWORK = 69
const PODS = ['web', 'api', 'blocked'].map(name => ({ name, namespace: 'confined', workload: name }))
const BLOCKED = 20

t.test('three capabilities, a root that cannot be written and no compiler suffice to be exact', needsRoot, async t => {
  const root = imageRoot(t)
  const programs = ['usr/bin', 'bin', 'usr/local/bin'].flatMap(path =>
    existsSync(join(root, path)) ? readdirSync(join(root, path)) : [],
  )
  t.notOk(
    programs.some(name => /^(gcc|g\+\+|cc|clang|ld|make)(-[\d.]+)?$/.test(name)),
    `programs: ${programs.join(' ')}`,
  )
  const gauged = await GaugedLab.with(t, PODS, { network: NETWORK }, (lab, inventory) =>
    startConfined(t, root, lab, inventory),
  )
  t.equal(gauged.weir.capabilities, THREE)
  const { lab } = gauged
  const [web, api, blocked] = lab.pods
  await lab.nft(`table inet lab {
    chain forward {
      type filter hook forward priority 0
      ip saddr ${blocked!.ipv4} drop
    }
  }`)
  await api!.agent.call('tcpServe', { ports: [8001] })
  await web!.agent.call('tcpStorm', { host: api!.ipv4, ports: [8001], count: 50, concurrency: 8, size: 64 })
  await bulk(web!, api!, api!.ipv4, { seconds: 1 })
  await ping(web!, api!.ipv6, { count: 5 })
  await blocked!.agent.call('udpSend', { host: api!.ipv4, port: 9, count: BLOCKED, size: 100 })
  const reading = await gauged.read()
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
  connectionsAddUp(t, reading.samples)
  reportersAgree(t, reading.samples)
  t.equal(
    reading.samples.sum('weir_drop_packets_total', { source_workload: 'blocked', reason: 'NETFILTER_DROP' }),
    BLOCKED,
  )
  t.equal(reading.samples.sum('weir_stage_up'), reading.samples.series('weir_stage_up').length, 'no stage was refused')
})
