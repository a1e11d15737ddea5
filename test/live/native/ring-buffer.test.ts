/**
 * ring-buffer.test.ts - records through a BPF ring buffer, which replaces the perf ring where perf events are refused.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { BpfObject } from '../../../src/datapath/source/native.js'
import { MAX_FRAME } from '../../../src/datapath/source/native.js'
import { chooseRing } from '../../../src/datapath/source/ring.js'
import { compile, load, native, ROOT } from '../../support/native.js'
import { drainAll, numbers, PACKET, turns } from '../../support/native-ring.js'

// A test run writes from its CPU. With one CPU, a test knows how many records reach the watermark.
const [cpu] = readFileSync('/proc/self/status', 'utf8').match(/(?<=Cpus_allowed_list:\s*)\d+/)!
execFileSync('taskset', ['-pc', cpu, String(process.pid)])

const PAGES = 8
/** Records that fit: each has a header of 8 bytes and struct event. */
const ROOM = Math.floor((PAGES * 4096) / (8 + 16))
const HALF = Math.ceil(ROOM / 2)

t.test('auto is the perf ring where perf events are allowed, and else the ring buffer', async t => {
  const allowed = chooseRing({ ...native, perfRefusal: () => undefined }, 'auto', 4)
  t.match(allowed, { kind: 'perf', map: 'events', refusal: undefined, sizes: { event_buffer: 4096 } })
  const refused = chooseRing({ ...native, perfRefusal: () => 'EACCES', possibleCpus: () => 3 }, 'auto', 4)
  t.match(refused, { kind: 'ringbuf', map: 'event_buffer', refusal: 'EACCES', sizes: { event_buffer: 65_536 } })
  t.equal(refused.knobs.ring_watermark, 32_768)
  t.equal(chooseRing({ ...native, perfRefusal: () => 'EACCES' }, 'perf', 4).kind, 'perf', 'as the setting says')
})

t.test('the ring buffer', ROOT, async t => {
  const path = compile(t)
  const { map, knobs, sizes } = chooseRing({ ...native, possibleCpus: () => 1 }, 'ringbuf', PAGES)
  const open = (): BpfObject => {
    const object = load(t, path, { knobs, sizes })
    object.openRing(map, PAGES)
    return object
  }

  t.test('delivers every record once and whole, with a buffer of any size', async t => {
    const object = open()
    for (const room of [MAX_FRAME, MAX_FRAME + 8, 10_000, 1 << 20]) {
      object.testRun('count_in', PACKET, ROOM)
      const found = numbers(t, drainAll(object, room))
      t.equal(found.length, ROOM)
      t.equal(new Set(found).size, ROOM)
    }
  })

  t.test('refuses records that do not fit, and goes on', async t => {
    const object = open()
    object.testRun('count_in', PACKET, 2 * ROOM)
    t.equal(numbers(t, drainAll(object, 65536)).length, ROOM)
    object.testRun('count_in', PACKET, 1)
    t.equal(numbers(t, drainAll(object, 65536)).length, 1)
  })

  t.test('wakes the reader once at the start and at the watermark, not for each record', async t => {
    const object = open()
    let calls = 0
    let records = 0
    object.onRing(() => {
      calls++
      records += numbers(t, drainAll(object, 65536)).length
    })
    await turns(50)
    t.equal(calls, 1, 'at the start')
    object.testRun('count_in', PACKET, Math.floor(HALF / 4))
    await turns(50)
    t.equal(calls, 1, 'below the watermark')
    object.testRun('count_in', PACKET, HALF)
    await turns(200)
    t.equal(calls, 2, 'above the watermark')
    t.equal(records, Math.floor(HALF / 4) + HALF, 'all records drained')
    object.testRun('count_in', PACKET, 1)
    await turns(200)
    t.equal(calls, 2, 'not for a drained ring')
    object.testRun('count_in', PACKET, 2 * ROOM)
    await turns(200)
    t.equal(calls, 3, 'a full ring')
    object.onRing(undefined)
  })
})
