/**
 * kernel-errors.test.ts - the capabilities that the process lacks, from its status.
 */
import t from 'tap'
import { missingCapabilities } from '../../src/agent/source/kernel-errors.js'

t.test('the effective capabilities in the process status show which are missing', async t => {
  const status = (bits: bigint) => `Name:\tnode\nCapEff:\t${bits.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`
  const bit = (n: number) => 1n << BigInt(n)
  t.strictSame(missingCapabilities(status(0n)), ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'])
  t.strictSame(missingCapabilities(status(bit(12) | bit(39))), ['CAP_PERFMON'])
  t.strictSame(missingCapabilities(status(bit(12) | bit(38) | bit(39))), [])
  t.strictSame(missingCapabilities(status(bit(21))), ['CAP_NET_ADMIN'], 'CAP_SYS_ADMIN includes the other two')
  t.strictSame(missingCapabilities(status(bit(21) | bit(12))), [])
  t.strictSame(missingCapabilities(''), [], 'a status without CapEff reports none as missing')
})
