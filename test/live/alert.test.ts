/**
 * alert.test.ts - a packet dropped by a firewall wakes somebody: nftables -> Weir -> Prometheus -> Alertmanager -> webhook.
 *
 * The rules are the shipped ones with shorter times; how long they wait is what rules.test.ts holds.
 */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { HUBBLE_METRICS } from '../../dashboards/vocabulary.js'
import type { Lab } from '../../src/lab/lab.js'
import { type Notice, startAlertmanager } from '../support/alertmanager.js'
import { OUT } from '../support/dashboard-json.js'
import { startPrometheus } from '../support/prometheus.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 68
const PORT = 5432
const [GUEST, DATA, SHOP] = ['guest-68', 'data-68', 'shop-68']
const WAIT_MS = 60_000

t.test('an alert on drops names the namespace, for either set of families', ROOT, async t => {
  const lab = await labOf(t, [`${GUEST}/client`, `${DATA}/database`, `${SHOP}/api`], { network: NETWORK })
  const [guest, database, shop] = lab.pods
  await lab.nft(`table inet blocked {
    chain forward {
      type filter hook forward priority 0
      ip saddr ${guest!.ipv4} ip daddr ${database!.ipv4} drop
    }
  }`)
  const weir = await watch(t, lab, '--report-interval', '500ms', '--hubble-metrics', HUBBLE_METRICS)
  const { address, notices } = await startAlertmanager(t)
  const rules = ['weir-thresholds.yaml', 'weir-rules.yaml', 'weir-hubble-rules.yaml'].map(quick)
  await startPrometheus(t, weir.url, { cluster: 'lab', node: 'lab-node' }, { rules, alertmanager: address })
  await database!.agent.call('udpServe', { port: PORT, answer: 'none' })
  const stop = keepSending(t, lab)
  const fired = (alert: string, labels: Readonly<Record<string, string>>) =>
    until(alert, () => notices.some(notice => isOf(notice, { alertname: alert, ...labels })), WAIT_MS)

  await fired('WeirNamespaceDropRatioCritical', { namespace: GUEST, direction: 'egress', severity: 'critical' })
  await fired('WeirNamespaceDropRatioHigh', { namespace: DATA, direction: 'ingress', severity: 'warning' })
  await fired('WeirWorkloadPairDrops', {
    source_namespace: GUEST,
    destination_workload: 'database',
    reason: 'NETFILTER_DROP',
  })
  await fired('WeirHubbleNamespaceDropRatioCritical', { namespace: GUEST, direction: 'egress' })
  t.pass('all four reached the webhook')
  const ofGuest = notices.find(notice =>
    isOf(notice, { alertname: 'WeirNamespaceDropRatioCritical', namespace: GUEST }),
  )
  t.match(ofGuest?.annotations, {
    summary: 'A namespace is losing a high share of its traffic to drops.',
    description: `of the egress packets of namespace ${GUEST} are dropped.`,
    runbook_url: /#weirnamespacedropratiocritical$/,
  })
  t.notOk(
    notices.some(({ labels }) => labels.namespace === SHOP),
    'no alert for the workload that reaches the database',
  )
  t.ok(shop)
  stop()
})

/** The guest's datagrams are dropped, the shop's are not; 50 a second each, until stopped. */
function keepSending(t: Test, lab: Lab): () => void {
  const [guest, database, shop] = lab.pods
  let stopped = false
  const loop = async () => {
    while (!stopped) {
      const datagrams = { host: database!.ipv4, port: PORT, count: 10, size: 100 }
      await Promise.all([guest, shop].map(pod => pod!.agent.call('udpSend', datagrams)))
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }
  const ended = loop()
  t.teardown(() => {
    stopped = true
    return ended
  })
  return () => {
    stopped = true
  }
}

/** The shipped rules, with a window of 10 s and no waiting. */
function quick(name: string): string {
  return readFileSync(`${OUT}${name}`, 'utf8')
    .replaceAll(/for: \d+m/g, 'for: 0s')
    .replaceAll('[5m]', '[10s]')
}

function isOf({ status, labels }: Notice, wanted: Readonly<Record<string, string>>): boolean {
  return status === 'firing' && Object.entries(wanted).every(([name, value]) => labels[name] === value)
}
