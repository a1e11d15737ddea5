/**
 * lab.test.ts - the lab is what it says: pods that reach each other, and nothing left of them.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Lab } from '../../src/lab/lab.js'
import { listNetns } from '../../src/lab/netns.js'
import { must } from '../../src/lab/process.js'
import { ping } from '../../src/lab/traffic.js'

const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' }
const PODS = [
  { name: 'web', namespace: 'shop', workload: 'web', labels: { tier: 'front' } },
  { name: 'web-2', namespace: 'shop', workload: 'web', labels: { tier: 'front' } },
  { name: 'database', namespace: 'data', workload: 'database', kind: 'StatefulSet' },
] as const
const mine = `weir-${process.pid}-`

t.test('every pod reaches every other, over IPv4 and IPv6', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const pairs = lab.pods.flatMap(from => lab.pods.filter(to => to !== from).map(to => [from, to] as const))
  t.equal(pairs.length, 6)
  for (const [from, to] of pairs) {
    for (const address of [to.ipv4, to.ipv6]) {
      const result = await ping(from, address, { count: 3 })
      t.strictSame(result, { sent: 3, received: 3 }, `${from.name} to ${address}`)
    }
  }
})

t.test("a link's counters hold exactly what was sent", needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const [web, database] = [lab.pod('web'), lab.pod('database')]
  await database.agent.call('udpServe', { port: 9000, answer: 'none' })
  const before = await lab.allCounters()
  await web.agent.call('udpSend', { host: database.ipv4, port: 9000, count: 500, size: 100 })
  await web.agent.call('udpSend', { host: database.ipv6, port: 9000, count: 300, size: 100 })
  // Ethernet 14, IPv4 20 or IPv6 40, UDP 8.
  const bytes = 500 * (14 + 20 + 8 + 100) + 300 * (14 + 40 + 8 + 100)
  const { rx } = await lab.linkCounters(web)
  const { tx } = await lab.linkCounters(database)
  t.equal(rx.packets - (before.get('web')?.rx.packets ?? 0), 800)
  t.equal(rx.bytes - (before.get('web')?.rx.bytes ?? 0), bytes)
  t.equal(tx.packets - (before.get('database')?.tx.packets ?? 0), 800)
  t.equal(tx.bytes - (before.get('database')?.tx.bytes ?? 0), bytes)
  t.strictSame(await lab.linkCounters(lab.pod('web-2')), before.get('web-2'), 'and the third pod saw nothing')
})

t.test('a ruleset on the node drops what it names and nothing else', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const [web, web2, database] = [lab.pod('web'), lab.pod('web-2'), lab.pod('database')]
  await lab.nft(`table inet t {
    chain f {
      type filter hook forward priority filter
      ip saddr ${web.ipv4} ip daddr ${database.ipv4} drop
    }
  }`)
  t.strictSame(await ping(web, database.ipv4, { count: 3 }), { sent: 3, received: 0 })
  t.strictSame(await ping(web, database.ipv6, { count: 3 }), { sent: 3, received: 3 })
  t.strictSame(await ping(web2, database.ipv4, { count: 3 }), { sent: 3, received: 3 })
  await t.rejects(lab.nft('table inet {'), /nft/)
})

t.test('pods come and go while others run', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const late = await lab.addPod({ name: 'late', namespace: 'shop', workload: 'web' })
  t.strictSame(await ping(late, lab.pod('web').ipv4, { count: 2 }), { sent: 2, received: 2 })
  t.equal(late.identity, lab.pod('web').identity)
  const { netns, link, ipv4 } = lab.pod('web-2')
  await lab.pod('web-2').agent.call('tcpServe', { ports: [80] })
  await lab.removePod('web-2')
  t.notOk(listNetns().includes(netns))
  t.notMatch((await lab.run('node', ['ip', 'link'])).stdout, link)
  t.throws(() => lab.pod('web-2'), /no pod 'web-2'/)
  const again = await lab.addPod({ name: 'web-2', namespace: 'shop', workload: 'web' })
  t.not(again.ipv4, ipv4, 'its address is not used again')
  t.not(again.link, link)
})

t.test('a pod that cannot be made leaves the lab as it was', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const before = listNetns().filter(name => name.startsWith(mine))
  await t.rejects(lab.addPod({ name: 'web', namespace: 'x', workload: 'x' }), /'web' is taken/)
  await t.rejects(lab.addPod({ name: '-bad name', namespace: 'x', workload: 'x' }), /pod name '-bad name'/)
  t.strictSame(
    listNetns()
      .filter(name => name.startsWith(mine))
      .sort(),
    before.sort(),
  )
})

t.test('the world names every address, once a workload', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const file = `${t.testdir()}/inventory.json`
  await lab.writeInventory(file)
  const inventory = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<Lab['inventory']>
  const [web, database] = [lab.pod('web'), lab.pod('database')]
  t.strictSame(Object.keys(inventory.identities), ['1000', '1001'])
  t.ok(inventory.identities['1000']?.includes('k8s:tier=front'))
  t.strictSame(inventory.endpoints[2], {
    id: 102,
    ips: [database.ipv4, database.ipv6],
    identity: 1001,
    namespace: 'data',
    pod: 'database',
    workload: { kind: 'StatefulSet', name: 'database' },
    local: true,
  })
  t.equal(inventory.links[String(web.ifindex)], web.link)
  t.equal(inventory.cidrs['169.254.1.1/32'], 1)
  t.equal(inventory.cidrs['::/0'], 2)
  const inside = await web.exec(['cat', '/sys/class/net/eth0/ifindex', '/sys/class/net/eth0/iflink'])
  t.equal(inside.stdout, `${web.peerIfindex}\n${web.ifindex}\n`)
})

t.test('programs in pods are run to an end, or to a deadline', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  t.teardown(() => lab.destroy())
  const web = lab.pod('web')
  t.match(await web.exec(['cat'], { input: 'hello' }), { stdout: 'hello', code: 0 })
  t.match(await web.exec(['sh', '-c', 'echo no >&2; exit 3']), { stderr: 'no\n', code: 3 })
  await t.rejects(web.exec(['sleep', '60'], { timeoutMs: 50 }), /sleep 60: still running after 50 ms/)
})

t.test('destroy leaves no namespace, link or process, and twice is fine', needsRoot, async t => {
  const lab = await Lab.create(PODS)
  const links = lab.pods.map(({ link }) => link)
  const sleeper = lab.spawn(lab.pod('web'), ['sh', '-c', 'sleep 600 & sleep 600'])
  await lab.pod('database').agent.call('tcpServe', { ports: [80] })
  const gone = new Promise(resolve => sleeper.once('close', resolve))
  await lab.destroy()
  await gone
  t.strictSame(
    listNetns().filter(name => name.startsWith(mine)),
    [],
  )
  const left = await must(['ip', '-o', 'link'])
  t.notOk(links.some(link => left.includes(link)))
  await lab.destroy()
  t.notOk(existsSync(lab.node.path))
})

t.test('a lab whose process was killed is removed by the next, a living one is not', needsRoot, async t => {
  const lab = await Lab.create(PODS.slice(0, 1))
  t.teardown(() => lab.destroy())
  const pid = await orphanLab('SIGKILL')
  const theirs = listNetns().filter(name => name.startsWith(`weir-${pid}-`))
  t.equal(theirs.length, 2)
  const removed = await Lab.cleanupStale()
  t.ok(theirs.every(name => removed.includes(name)))
  t.strictSame(
    listNetns().filter(name => name.startsWith(`weir-${pid}-`)),
    [],
  )
  t.ok(existsSync(lab.node.path))
})

for (const how of ['SIGTERM', 'SIGINT', 'exception', 'exit'] as const) {
  t.test(`a lab does not outlive its process: ${how}`, needsRoot, async t => {
    const pid = await orphanLab(how)
    t.strictSame(
      listNetns().filter(name => name.startsWith(`weir-${pid}-`)),
      [],
    )
  })
}

t.test('200 pods are made and removed', needsRoot, async t => {
  const started = performance.now()
  const lab = await Lab.create(
    Array.from({ length: 200 }, (_, n) => ({ name: `pod-${n}`, namespace: 'many', workload: `w-${n % 10}` })),
  )
  const made = performance.now()
  t.teardown(() => lab.destroy())
  t.strictSame(await ping(lab.pod('pod-0'), lab.pod('pod-199').ipv6, { count: 1 }), { sent: 1, received: 1 })
  t.equal(new Set(lab.pods.map(({ ifindex }) => ifindex)).size, 200)
  t.equal(Object.keys(lab.inventory().identities).length, 10)
  const leaving = performance.now()
  await lab.destroy()
  const ms = (from: number, to: number): string => (to - from).toFixed(0)
  t.comment(`200 pods: made in ${ms(started, made)} ms, removed in ${ms(leaving, performance.now())} ms`)
})

/** Let another process make a lab, with something running in it, and end in the given way; its pid. */
async function orphanLab(how: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'exception' | 'exit'): Promise<number> {
  const program = `
    const { Lab } = await import(${JSON.stringify(import.meta.resolve('../../src/lab/lab.js'))})
    const lab = await Lab.create([{ name: 'only', namespace: 'n', workload: 'w' }])
    lab.spawn(lab.pod('only'), ['sleep', '600'])
    console.log('made')
    process.stdin.once('data', () => {
      if (${JSON.stringify(how)} === 'exit') process.exit(0)
      throw new Error('as asked')
    })`
  const argv = ['--input-type=module', '-e', program]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise(resolve => child.once('exit', resolve))
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', code => reject(new Error(`the other lab's process ended early: ${code}`)))
  })
  if (how === 'exit' || how === 'exception') child.stdin.write('now\n')
  else child.kill(how)
  const late = sleep(20_000, undefined, { ref: false }).then(() => {
    throw new Error(`the other lab's process did not end of ${how} in 20 s`)
  })
  await Promise.race([ended, late])
  return child.pid ?? 0
}
