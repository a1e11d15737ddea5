/**
 * kernel-errors.test.ts - the capabilities that the process lacks, from its status.
 */
import t from 'tap'
import { explainKernel, missingCapabilities, requireKernel, tooOld } from '../../src/agent/source/kernel-errors.js'

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

t.test('a kernel that is too old is named, and one that is not says nothing', async t => {
  t.equal(tooOld('5.10.0-46-cloud-amd64'), 'Linux 5.15 or later is needed, this is 5.10.0-46-cloud-amd64')
  t.match(tooOld('5.14.21'), /this is 5\.14\.21/)
  for (const kernel of ['5.15.0-164-generic', '6.1.0-57-cloud-amd64', '6.18.44', '7.2.12+deb14'])
    t.equal(tooOld(kernel), undefined, kernel)
})

t.test(
  'errors of the kernel are one line that names the cause',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async t => {
    const message = (error: object): string => {
      try {
        explainKernel(() => {
          throw error
        })
      } catch (explained) {
        return (explained as Error).message
      }
      return ''
    }
    const denied = Object.assign(new Error('EPERM: bpf(BPF_MAP_CREATE): weir.bpf.o'), { code: 'EPERM', syscall: 'bpf' })
    t.match(message(denied), /^the live source requires CAP_BPF, .* in the initial user namespace: EPERM/)
    const byVerifier = Object.assign(new Error('Linux 7.9 refuses the program weir_flush: EACCES: R1 is a scalar'), {
      ...{ code: 'EACCES', syscall: 'bpf(BPF_PROG_LOAD)', program: 'weir_flush', verifierLog: 'R1 is a scalar' },
    })
    t.equal(
      message(byVerifier),
      'the live source cannot start: Linux 7.9 refuses the program weir_flush: EACCES: R1 is a scalar',
    )
    const unsaid = Object.assign(new Error('Linux 7.9 refuses the program weir_flush: EPERM'), {
      ...{ code: 'EPERM', syscall: 'bpf(BPF_PROG_LOAD)', program: 'weir_flush', verifierLog: '' },
    })
    t.match(message(unsaid), /^the live source requires CAP_BPF/, 'the verifier said nothing: bpf(2) itself refused')
  },
)

t.test(
  'a kernel without what Weir requires is refused in one line with the remedy, before anything is loaded',
  async t => {
    const able = { hasBtf: () => true, lockdown: () => 'integrity', kernelHasFunction: () => true }
    requireKernel(able)
    const cases = [
      [
        { hasBtf: () => false },
        /^the live source cannot start: .* has no \/sys\/kernel\/btf\/vmlinux; use a kernel built with CONFIG_\w+$/,
      ],
      [
        { lockdown: () => 'confidentiality' },
        /^the live source cannot start: lockdown=confidentiality .*; use lockdown=integrity$/,
      ],
      [
        { kernelHasFunction: () => false },
        /^the live source cannot start: Linux 5\.15 or later is needed, this is .*, without bpf_\w+\(\)$/,
      ],
    ] as const
    for (const [lack, message] of cases) t.throws(() => requireKernel({ ...able, ...lack }), { message })
  },
)
