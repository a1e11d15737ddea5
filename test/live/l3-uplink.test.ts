/**
 * l3-uplink.test.ts - an uplink whose packets start with the IP header is counted as its own counters say.
 *
 * The uplink is a tun device. A process behind it sends each UDP packet back, with both sides swapped.
 */
import t from 'tap'
import { flow } from '../support/ledger.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 59
const DEVICE = 'l3up0'
const FAR = ['192.0.2.9', '2001:db8::9'] as const
const PORT = 7000
const [COUNT, SIZE] = [30, 200] as const
/** Swaps addresses and ports; the checksums stay right. TUNSETIFF with IFF_TUN | IFF_NO_PI. */
const MIRROR = `
import fcntl, os, struct
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH', b'${DEVICE}', 0x1001))
print('ready', flush=True)
while True:
    p = os.read(tun, 70000)
    at, size, payload, proto = (12, 4, 20, p[9]) if p[0] >> 4 == 4 else (8, 16, 40, p[6])
    if proto != 17:
        continue
    os.write(tun, p[:at] + p[at + size:at + 2 * size] + p[at:at + size]
             + p[payload + 2:payload + 4] + p[payload:payload + 2] + p[payload + 4:])
`

for (const attach of ['tcx', 'tc']) {
  t.test(`both directions and both families, attached by ${attach}`, ROOT, async t => {
    const lab = await labOf(t, ['l3/a'], { network: NETWORK })
    const mirror = lab.spawn('node', ['python3', '-c', MIRROR])
    t.teardown(() => mirror.kill('SIGKILL'))
    await new Promise(resolve => mirror.stdout!.once('data', resolve))
    for (const line of [`link set ${DEVICE} up`, ...FAR.map(far => `route add ${far} dev ${DEVICE}`)]) {
      const { code, stderr } = await lab.run('node', ['ip', ...line.split(' ')])
      if (code !== 0) throw new Error(stderr)
    }
    const counters = async () => {
      const { stdout } = await lab.run('node', ['ip', '-j', '-s', 'link', 'show', DEVICE])
      const [{ stats64 }] = JSON.parse(stdout) as [{ stats64: Record<'rx' | 'tx', { packets: number; bytes: number }> }]
      return stats64
    }
    const weir = await watch(t, lab, '--uplinks', 'l3up*', '--attach', attach)
    await until(
      'the uplink is watched',
      async () => (await weir.metrics()).get('weir_interfaces_watched', { hook: 'uplink' }) === 1,
    )
    const before = await counters()
    for (const host of FAR)
      await lab.pod('a').agent.call('udpSend', { host, port: PORT, count: COUNT, size: SIZE, echo: true })
    const after = await counters()
    const page = await weir.metrics()
    const since = (way: 'rx' | 'tx') => ({
      packets: after[way].packets - before[way].packets,
      bytes: after[way].bytes - before[way].bytes,
    })
    const at = { reporter: 'uplink', protocol: 'UDP' }
    t.equal(since('rx').packets, 2 * COUNT)
    t.strictSame(flow(page, { ...at, source_workload: 'a' }), since('tx'), 'out')
    t.strictSame(flow(page, { ...at, destination_workload: 'a' }), since('rx'), 'in')
    t.equal(page.sum('weir_connections_opened_total', { ...at, source_workload: 'a' }), FAR.length)
    t.equal(page.sum('weir_packets_ignored_total'), 0)
  })
}

t.test('a tun device is no pod: a pattern that names it is an error, and nothing is counted', ROOT, async t => {
  const lab = await labOf(t, ['l3/a'], { network: NETWORK })
  await lab.run('node', ['ip', 'tuntap', 'add', DEVICE, 'mode', 'tun'])
  const weir = await watch(t, lab, '--interfaces', 'l3up*')
  const page = await weir.metrics()
  t.equal(page.sum('weir_interface_errors_total'), 1)
  t.equal(page.get('weir_interfaces_watched', { hook: 'pod' }), 0)
  t.match(weir.stderr(), /level=error.*l3up0.*no Ethernet headers/)
})
