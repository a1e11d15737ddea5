/**
 * attachment.test.ts - when an attempt to attach, or to be first again, is due.
 */
import t from 'tap'
import { Hook } from '../../../src/datapath/record/abi.js'
import { Attachment } from '../../../src/datapath/source/attachment.js'

const attachment = () => new Attachment(7, 'lxc7', Hook.pod)

t.test('a failed attempt is repeated after 1 s, 2 s and so on, up to a minute', async t => {
  const one = attachment()
  t.ok(one.isDue(0))
  const pauses: number[] = []
  for (let now = 0, tries = 0; tries < 8; tries++) {
    one.refused(now)
    const from = now
    while (!one.isDue(now)) now += 500
    pauses.push(now - from)
  }
  t.strictSame(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
})

t.test('success resets the pause, and nothing is due while attached', async t => {
  const one = attachment()
  one.refused(0)
  one.refused(1000)
  one.attached('tcx', 3000)
  t.notOk(one.isDue(1e9))
  t.equal(one.attachedMs, 3000)
  one.refused(10_000)
  t.notOk(one.isDue(10_999))
  t.ok(one.isDue(11_000))
})

t.test('after three attempts to be first it gives way for a minute, then for longer, up to ten minutes', async t => {
  const one = attachment()
  t.strictSame(
    [one.overtaken(0), one.overtaken(100), one.overtaken(200), one.overtaken(300)],
    [true, true, true, false],
  )
  const pauses: number[] = []
  for (let now = 200, tries = 0; tries < 6; tries++) {
    const from = now
    while (!one.overtaken(now)) now += 1000
    pauses.push(now - from)
  }
  t.strictSame(pauses, [60_000, 120_000, 240_000, 480_000, 600_000, 600_000])
})

t.test('a minute in the first place makes earlier attempts void', async t => {
  const one = attachment()
  for (const now of [0, 100, 200]) one.overtaken(now)
  one.isFirst(59_000)
  t.notOk(one.overtaken(59_100), 'too early')
  one.isFirst(61_000)
  t.strictSame(
    [61_100, 61_200, 61_300, 61_400].map(now => one.overtaken(now)),
    [true, true, true, false],
  )
})
