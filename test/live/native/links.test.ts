/**
 * links.test.ts - link notifications from rtnetlink, and calls inside another network namespace.
 */
import { readlinkSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { RtnetlinkWatch } from '../../../src/datapath/source/native.js'
import { native, pair, ROOT } from '../../support/native.js'

/** linux/netlink.h, linux/rtnetlink.h, linux/if_link.h */
const NLMSG_DONE = 3
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const IFLA_IFNAME = 3

interface Notification {
  readonly type: number
  readonly name: string
}

function nameOf(message: Buffer): string {
  for (let at = 32; at + 4 <= message.length; at += (message.readUInt16LE(at) + 3) & ~3) {
    if (message.readUInt16LE(at + 2) === IFLA_IFNAME) {
      return message.toString('latin1', at + 4, at + message.readUInt16LE(at) - 1)
    }
  }
  return ''
}

function parse(batch: Buffer): Notification[] {
  const notifications: Notification[] = []
  for (let at = 0; at < batch.length; ) {
    const size = batch.readUInt32LE(at)
    const type = batch.readUInt16LE(at + 4)
    const link = type === RTM_NEWLINK || type === RTM_DELLINK
    notifications.push({ type, name: link ? nameOf(batch.subarray(at, at + size)) : '' })
    at += (size + 3) & ~3
  }
  return notifications
}

/** Reads whenever readable, until a notification is `wanted`; resolves with all of them. */
function until(watch: RtnetlinkWatch, wanted: (notification: Notification) => boolean): Promise<Notification[]> {
  const all: Notification[] = []
  const into = Buffer.alloc(1 << 17)
  return new Promise((resolve, reject) => {
    watch.onReadable(() => {
      try {
        all.push(...parse(into.subarray(0, watch.read(into))))
      } catch (error) {
        reject(error)
      }
      if (!all.some(wanted)) return
      watch.onReadable(undefined)
      resolve(all)
    })
  })
}

function watchIn(t: Test, netns: string): RtnetlinkWatch {
  const watch = native.inNamespace(netns, () => native.watchLinks())
  t.teardown(() => watch.close())
  return watch
}

t.test('existing, added and deleted links are reported', ROOT, async t => {
  const near = pair(t, 'links')
  const watch = watchIn(t, near.path)
  t.equal(watch.read(new Uint8Array(65_536)), 0, 'nothing before the dump')
  watch.dump()
  const dump = await until(watch, ({ type }) => type === NLMSG_DONE)
  t.strictSame(
    dump
      .filter(({ type }) => type === RTM_NEWLINK)
      .map(({ name }) => name)
      .sort(),
    ['lo', 'v0'],
  )
  near.run('ip', 'link', 'add', 'new0', 'type', 'veth', 'peer', 'name', 'new1')
  await until(watch, ({ type, name }) => type === RTM_NEWLINK && name === 'new0')
  near.run('ip', 'link', 'delete', 'new0')
  await until(watch, ({ type, name }) => type === RTM_DELLINK && name === 'new0')
  t.equal(watch.read(new Uint8Array(65_536)), 0, 'nothing more')
})

t.test('notifications dropped by the kernel are one ENOBUFS, and a dump gives the current state', ROOT, async t => {
  const near = pair(t, 'storm')
  const watch = watchIn(t, near.path)
  near.run('sh', '-c', 'for i in $(seq 4000); do echo "link set dev v0 alias $i"; done | ip -batch -')
  const into = Buffer.alloc(1 << 17)
  let whole = 0
  const drain = () => {
    for (let size = watch.read(into); size > 0; size = watch.read(into)) whole += parse(into.subarray(0, size)).length
  }
  t.throws(drain, { code: 'ENOBUFS', message: /lost/ })
  drain()
  t.ok(whole > 0 && whole < 4000, `${whole} notifications arrived`)
  watch.dump()
  const dump = await until(watch, ({ type }) => type === NLMSG_DONE)
  t.ok(dump.some(({ name }) => name === 'v0'))
})

t.test('a watch refuses small buffers, and fails once it is closed', ROOT, async t => {
  const watch = native.watchLinks()
  t.throws(() => watch.read(new Uint8Array(65_535)), { code: 'EINVAL', message: /65536/ })
  t.throws(() => watch.onReadable(1 as never), { name: 'TypeError' })
  watch.onReadable(() => {})
  watch.close()
  watch.close()
  t.throws(() => watch.dump(), { code: 'EBADF', syscall: 'dump' })
  t.throws(() => watch.read(new Uint8Array(65_536)), { code: 'EBADF', syscall: 'read' })
  t.throws(() => watch.onReadable(() => {}), { code: 'EBADF', syscall: 'onReadable' })
})

t.test('a body runs in the other namespace, and the thread returns', ROOT, async t => {
  const near = pair(t, 'inside')
  const here = () => readlinkSync('/proc/thread-self/ns/net')
  const home = here()
  const inside = native.inNamespace(near.path, here)
  t.not(inside, home)
  t.equal(here(), home)
  const fail = () => {
    throw new RangeError('inside')
  }
  t.throws(() => native.inNamespace(near.path, fail), { name: 'RangeError', message: 'inside' })
  t.equal(here(), home, 'after an exception')
  const deeper = pair(t, 'deeper')
  const nested = () => [native.inNamespace(deeper.path, here), here()]
  t.equal(native.inNamespace(near.path, nested)[1], inside)
  t.equal(here(), home, 'after a nested call')
  t.throws(() => native.inNamespace('/run/netns/weir-none', here), {
    code: 'ENOENT',
    syscall: 'open',
    message: /weir-none/,
  })
  t.throws(() => native.inNamespace('/proc/self/ns/mnt', here), { code: 'EINVAL', syscall: 'setns' })
  t.throws(() => native.inNamespace(near.path, 'body' as never), { name: 'TypeError' })
  t.equal(here(), home)
})
