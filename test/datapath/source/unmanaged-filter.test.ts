/**
 * unmanaged-filter.test.ts - overflow counts of containers that are no pods are left out, and add up.
 */
import t from 'tap'
import { Direction, Hook, SIZE_CLASSES } from '../../../src/datapath/record/abi.js'
import type { FlowSink, OverflowKey } from '../../../src/datapath/source/source.js'
import { UnmanagedFilter } from '../../../src/datapath/source/unmanaged-filter.js'

const UNMANAGED = 3
const POD = 12
const KEY = {
  srcEntity: POD,
  dstEntity: UNMANAGED,
  proto: 6,
  hook: Hook.pod,
  direction: Direction.aToB,
  size: 2,
  detail: 0,
}

t.test('what is at the interface of a container is left out and counted', async t => {
  const passed: OverflowKey[] = []
  const sink = { overflowed: (key: OverflowKey) => passed.push(key) } as unknown as FlowSink
  const filter = new UnmanagedFilter(sink)
  filter.overflowed(KEY, 1, 60)
  filter.overflowed({ ...KEY, hook: Hook.uplink, direction: Direction.bToA }, 2, 120)
  t.equal(passed.length, 2, 'sent by a pod to a container, and a packet at an uplink')
  filter.overflowed({ ...KEY, direction: Direction.bToA }, 3, 180)
  filter.overflowed({ ...KEY, srcEntity: UNMANAGED, dstEntity: POD }, 4, 240)
  filter.overflowed({ ...KEY, direction: Direction.bToA, size: SIZE_CLASSES.length + 1, detail: 1 }, 5, 0)
  t.equal(passed.length, 2)
  t.strictSame([filter.packets, filter.bytes], [7, 420], 'TCP flags are no packets')
})
