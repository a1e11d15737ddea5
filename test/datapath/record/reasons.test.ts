/**
 * reasons.test.ts - names of drop reasons.
 */
import t from 'tap'
import { ciliumReason, KernelReasons } from '../../../src/datapath/record/reasons.js'

t.test("Cilium's reasons have their names from flow.proto", async t => {
  for (const [code, name] of [
    [0, 'DROP_REASON_UNKNOWN'],
    [130, 'INVALID_SOURCE_MAC'],
    [133, 'POLICY_DENIED'],
    [136, 'CT_MISSING_TCP_ACK_FLAG'],
    [161, 'FAILED_TO_INSERT_INTO_PROXYMAP'],
    [181, 'POLICY_DENY'],
    [198, 'DROP_RATE_LIMITED'],
    [205, 'DROP_PUNT_PROXY'],
  ] as const) {
    t.equal(ciliumReason(code), name)
  }
})

t.test('a code without a name is its number', async t => {
  for (const code of [2, 129, 159, 206, 255]) t.equal(ciliumReason(code), String(code))
})

t.test("names of the kernel's reasons omit the prefix SKB_DROP_REASON_", async t => {
  const reasons = new KernelReasons([
    { name: 'SKB_NOT_DROPPED_YET', value: 0 },
    { name: 'SKB_CONSUMED', value: 1 },
    { name: 'SKB_DROP_REASON_NO_SOCKET', value: 3 },
    { name: 'SKB_DROP_REASON_NETFILTER_DROP', value: 8 },
    { name: 'SKB_DROP_REASON_MAX', value: 9 },
    { name: 'SKB_DROP_REASON_SUBSYS_MASK', value: -65536 },
  ])
  t.equal(reasons.name(8), 'NETFILTER_DROP')
  t.equal(reasons.name(3), 'NO_SOCKET')
  t.equal(reasons.name(1), 'SKB_CONSUMED')
  t.equal(reasons.name(9), '9', 'SKB_DROP_REASON_MAX is not a reason')
  t.equal(reasons.name(77), '77')
  t.equal(reasons.name(0x0003_0005), 'SUBSYSTEM_3_5')
  t.equal(reasons.name(0xffff_0000), 'SUBSYSTEM_65535_0')
  t.equal(reasons.name(0xffff_ffff), 'SUBSYSTEM_65535_65535')
})

t.test('thousands of unknown reasons on a kernel without BTF all have names', async t => {
  const reasons = new KernelReasons([])
  for (let value = 0; value < 5000; value++) reasons.name(value)
  t.equal(reasons.name(4999), '4999')
  t.equal(reasons.name(2), '2')
})
