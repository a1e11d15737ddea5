/**
 * attachments.test.ts - the order of attempts, and interfaces that change while one is running.
 */
import { setImmediate as settled } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Hook } from '../../../src/datapath/record/abi.js'
import { type AttachListener, Attachments } from '../../../src/datapath/source/attachments.js'
import type { AttachMode, BpfObject, HookState } from '../../../src/datapath/source/native.js'

/** Records calls; an attach runs until the test finishes it. */
class FakeObject {
  readonly calls: string[] = []
  readonly states = new Map<number, HookState>()
  repairError: Error | undefined
  readonly #running: ((error?: Error) => void)[] = []

  attachInterface(_: undefined, ifindex: number, ingress: string): Promise<AttachMode> {
    this.calls.push(`attach ${ifindex} ${ingress}`)
    return new Promise((resolve, reject) => {
      this.#running.push(error => (error === undefined ? resolve('tc') : reject(error)))
    })
  }

  async repairInterface(_: undefined, ifindex: number): Promise<void> {
    this.calls.push(`repair ${ifindex}`)
    if (this.repairError !== undefined) throw this.repairError
    this.states.delete(ifindex)
  }

  async detachInterface(_: undefined, ifindex: number): Promise<void> {
    this.calls.push(`detach ${ifindex}`)
  }

  async checkInterfaces(_: undefined, interfaces: readonly number[]): Promise<HookState[]> {
    const states = interfaces.map(ifindex => this.states.get(ifindex) ?? 'attached')
    if (states.every(state => state === 'unchecked')) throw refusal('ENOSPC')
    return states
  }

  update(map: string, key: Uint8Array): void {
    this.calls.push(`${map} ${key[0]}`)
  }

  remove(): void {}

  /** Ends the attach that is running. */
  async finish(error?: Error): Promise<void> {
    const end = this.#running.shift()
    if (end === undefined) throw new Error('no attach is running')
    end(error)
    await settled()
  }
}

function start(t: Test) {
  const object = new FakeObject()
  const events: string[] = []
  /** Interfaces of queued notifications. */
  const deleted: number[] = []
  const listener: AttachListener = {
    onError: (error, name) => events.push(`error ${name} ${error.message}`),
    onReattached: (name, reason) => events.push(`reattached ${name} ${reason}`),
    onBehind: (name, behind) => events.push(`behind ${name} ${behind}`),
    onCovered: () => events.push('covered'),
    beforeRepair() {
      events.push('before repair')
      for (const ifindex of deleted) attachments.remove(ifindex)
    },
  }
  const options = { netns: undefined, attach: 'auto' } as const
  const attachments = new Attachments(object as unknown as BpfObject, options, listener)
  t.teardown(() => attachments.close())
  return { object, attachments, events, deleted }
}

const refusal = (code: string) => Object.assign(new Error(code), { code, syscall: 'bpf' })

t.test('one attempt at a time, pods first, and covered once all have the programs', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(1, 'eth0', Hook.uplink)
  attachments.add(2, 'lxc2', Hook.pod)
  attachments.add(3, 'lxc3', Hook.pod)
  await settled()
  t.strictSame(object.calls, ['attach 2 weir_from_pod'])
  t.equal(attachments.pending().length, 3)
  t.ok(attachments.isStarting)
  await object.finish()
  await object.finish()
  t.strictSame(object.calls.slice(1), ['attach 3 weir_from_pod', 'attach 1 weir_uplink_in'])
  t.strictSame(events, [])
  await object.finish()
  t.strictSame(events, ['covered'])
  t.notOk(attachments.isStarting)
  t.ok(attachments.coverageSeconds > 0)
  t.strictSame([attachments.count(Hook.pod), attachments.count(Hook.uplink)], [2, 1])
  await attachments.attempted
})

t.test(
  'an interface that is deleted during its attempt is detached afterwards, also when its number is used again',
  async t => {
    const { object, attachments } = start(t)
    attachments.add(2, 'old', Hook.pod)
    await settled()
    attachments.remove(2)
    attachments.add(2, 'new', Hook.pod)
    await object.finish()
    t.strictSame(object.calls, ['attach 2 weir_from_pod', 'gone_interfaces 2', 'detach 2', 'attach 2 weir_from_pod'])
    t.equal(attachments.attached(2), undefined, 'the new one is not attached yet')
    await object.finish()
    t.equal(attachments.attached(2)?.name, 'new')
  },
)

t.test('ENODEV is no error: the interface was deleted before its notification', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  await settled()
  await object.finish(refusal('ENODEV'))
  t.strictSame([attachments.errors, attachments.list(), events], [0, [], ['covered']])
})

t.test('an interface that a repair finds deleted is gone: its connections expire, its links are closed', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  await settled()
  await object.finish()
  object.states.set(2, 'qdisc_deleted')
  object.repairError = refusal('ENODEV')
  attachments.suspect(2)
  await settled()
  t.strictSame(object.calls.slice(1), ['repair 2', 'gone_interfaces 2', 'detach 2'])
  attachments.remove(2) // the notification
  await settled()
  t.strictSame([object.calls.length, attachments.errors], [4, 0])
  t.strictSame(events, ['covered', 'before repair'])
})

t.test('a check that fails at one interface is reported once, and the others are repaired', async t => {
  const { object, attachments, events } = start(t)
  for (const [ifindex, name] of [
    [2, 'lxc2'],
    [3, 'lxc3'],
  ] as const)
    attachments.add(ifindex, name, Hook.pod)
  await settled()
  await object.finish()
  await object.finish()
  for (const state of ['qdisc_deleted', 'detached'] as const) {
    object.states.set(2, 'unchecked')
    object.states.set(3, state)
    for (const ifindex of [2, 3]) attachments.suspect(ifindex)
    await settled()
  }
  const seen = events.filter(event => !event.startsWith('before') && event !== 'covered')
  t.strictSame(seen, ['error lxc2 ENOSPC', 'reattached lxc3 qdisc_deleted', 'reattached lxc3 detached'])
  t.equal(attachments.errors, 1)
})

t.test('another error is counted and reported, and the interface stays pending', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  await settled()
  await object.finish(refusal('EPERM'))
  t.strictSame([attachments.errors, events], [1, ['error lxc2 EPERM']])
  t.equal(attachments.pending().length, 1)
  t.equal(attachments.coverageSeconds, 0)
  await attachments.attempted
})

t.test('notifications are handled before a repair, and an interface that they remove is not repaired', async t => {
  const { object, attachments, events, deleted } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  await settled()
  await object.finish()
  object.states.set(2, 'qdisc_deleted')
  attachments.suspect(2)
  await settled()
  t.strictSame(events.slice(1), ['before repair', 'reattached lxc2 qdisc_deleted'])
  t.equal(attachments.reattached.qdisc_deleted, 1)
  deleted.push(2)
  object.states.set(2, 'detached')
  attachments.suspect(2)
  await settled()
  t.strictSame(object.calls.slice(1), ['repair 2', 'gone_interfaces 2', 'detach 2'])
})

t.test('a TCX program before the filters is reported once, and once when it is gone', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  await settled()
  await object.finish()
  for (const state of ['behind', 'behind', 'attached', 'attached'] as const) {
    object.states.set(2, state)
    attachments.suspect(2)
    await settled()
  }
  t.strictSame(
    events.filter(event => event.startsWith('behind')),
    ['behind lxc2 true', 'behind lxc2 false'],
  )
  t.notOk(object.calls.includes('repair 2'))
})

t.test('close() ends the attempts, also during one', async t => {
  const { object, attachments, events } = start(t)
  attachments.add(2, 'lxc2', Hook.pod)
  attachments.add(3, 'lxc3', Hook.pod)
  await settled()
  attachments.close()
  await object.finish(refusal('ECANCELED'))
  t.strictSame([object.calls, attachments.errors, events], [['attach 2 weir_from_pod'], 0, []])
  await attachments.attempted
})
