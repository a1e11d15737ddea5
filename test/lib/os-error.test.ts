/**
 * os-error.test.ts - what commands ask of the system, and how it is told when it refuses.
 */
import t from 'tap'
import { missingCapabilities } from '../../src/agent/source/kernel-errors.js'
import { explainFile, systemWords } from '../../src/lib/os-error.js'

t.test('missing capabilities are read from the process status', async t => {
  const status = (bits: bigint) => `Name:\tnode\nCapEff:\t${bits.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`
  const bit = (n: number) => 1n << BigInt(n)
  t.strictSame(missingCapabilities(status(0n)), ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'])
  t.strictSame(missingCapabilities(status(bit(12) | bit(39))), ['CAP_PERFMON'])
  t.strictSame(missingCapabilities(status(bit(12) | bit(38) | bit(39))), [])
  t.strictSame(missingCapabilities(status(bit(21))), ['CAP_NET_ADMIN'], 'CAP_SYS_ADMIN holds the other two')
  t.strictSame(missingCapabilities(status(bit(21) | bit(12))), [])
  t.strictSame(missingCapabilities(''), [], 'unknown: the kernel decides')
})

t.test("the system's errors are told in words with the file, and a bug passes as it is", async t => {
  const missing = Object.assign(new Error('ENOENT: no such file or directory, open'), { errno: -2, syscall: 'open' })
  const fail = (error: Error) => () => {
    throw error
  }
  t.throws(() => explainFile('recording', '/x', fail(missing)), { message: 'recording /x: no such file or directory' })
  const bug = new TypeError('a bug')
  t.throws(() => explainFile('recording', '/x', fail(bug)), bug)
  t.equal(
    explainFile('recording', '/x', () => 7),
    7,
  )
  t.equal(systemWords(bug), 'a bug')
})
