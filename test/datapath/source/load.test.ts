/**
 * load.test.ts - a program that the kernel refuses is one line of an error, with the verifier's log in a file.
 */
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import t from 'tap'
import { loadObject } from '../../../src/datapath/source/load.js'
import type { BpfObject, ObjectOptions } from '../../../src/datapath/source/native.js'

const OPTIONS: ObjectOptions = { knobs: {}, sizes: {} }
const FULL_LOG = '0: (bf) r1 = r0\n'.repeat(1000)

/** What the addon throws. */
function refusal(verifierLog: string): Error {
  const error = new Error(
    'E2BIG: argument list too long, bpf(BPF_PROG_LOAD): x.o: weir_flush: BPF program is too large.',
  )
  return Object.assign(error, {
    code: 'E2BIG',
    errno: -7,
    syscall: 'bpf(BPF_PROG_LOAD)',
    program: 'weir_flush',
    verifierLog,
  })
}

/** A kernel that refuses weir_flush; `loads` is what it was asked. */
function refusing() {
  const loads: ObjectOptions[] = []
  const openObject = (_path: string, options: ObjectOptions): BpfObject => {
    loads.push(options)
    throw refusal(options.verifierLog ? FULL_LOG : 'BPF program is too large.')
  }
  return { loads, openObject }
}

t.test('a refused program: one line names the program, the kernel, the error and the file of the log', async t => {
  const kernel = refusing()
  const logFile = `${t.testdir({})}/verifier.log`
  try {
    loadObject(kernel, 'x.o', OPTIONS, { logFile, cpuUs: () => 0 })
    t.fail('it was loaded')
  } catch (error) {
    const { message } = error as Error
    for (const part of ['weir_flush', `Linux ${release()}`, 'E2BIG', logFile]) t.ok(message.includes(part), part)
    t.notMatch(message, /\n/)
    t.ok(message.length < 400, `${message.length} characters`)
    t.match(error, { code: 'E2BIG', syscall: 'bpf(BPF_PROG_LOAD)', program: 'weir_flush' })
  }
  t.equal(readFileSync(logFile, 'utf8'), FULL_LOG)
  t.equal(statSync(logFile).mode & 0o777, 0o600)
  t.strictSame(kernel.loads, [OPTIONS, { ...OPTIONS, verifierLog: true }])
})

t.test('a program that took the verifier long is not loaded again', async t => {
  const kernel = refusing()
  const logFile = `${t.testdir({})}/verifier.log`
  let us = 0
  const cpuUs = () => {
    us += 2_000_000
    return us
  }
  t.throws(() => loadObject(kernel, 'x.o', OPTIONS, { logFile, cpuUs }), { message: /no verifier log/ })
  t.equal(kernel.loads.length, 1)
  t.notOk(existsSync(logFile))
})

t.test('a log that cannot be written hides no error', async t => {
  const logFile = `${t.testdir({})}/absent/verifier.log`
  t.throws(() => loadObject(refusing(), 'x.o', OPTIONS, { logFile, cpuUs: () => 0 }), {
    message: /refuses the program weir_flush: .* cannot be written: ENOENT/,
    code: 'E2BIG',
  })
})

t.test('the log follows no link that another user has put in its place', async t => {
  const folder = t.testdir({ victim: 'precious' })
  const logFile = `${folder}/verifier.log`
  symlinkSync(`${folder}/victim`, logFile)
  t.throws(() => loadObject(refusing(), 'x.o', OPTIONS, { logFile, cpuUs: () => 0 }), { code: 'E2BIG' })
  t.equal(readFileSync(`${folder}/victim`, 'utf8'), 'precious')
  t.equal(readFileSync(logFile, 'utf8'), FULL_LOG)
})

t.test('an older log is replaced', async t => {
  const logFile = `${t.testdir({})}/verifier.log`
  writeFileSync(logFile, 'of last week')
  t.throws(() => loadObject(refusing(), 'x.o', OPTIONS, { logFile, cpuUs: () => 0 }), { code: 'E2BIG' })
  t.equal(readFileSync(logFile, 'utf8'), FULL_LOG)
})

t.test('other errors are thrown as they are, and an accepted object is returned', async t => {
  const failure = Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'bpf(BPF_MAP_CREATE)' })
  const failing = {
    openObject(): BpfObject {
      throw failure
    },
  }
  t.throws(() => loadObject(failing, 'x.o', OPTIONS), failure)
  const object = {} as BpfObject
  t.equal(loadObject({ openObject: () => object }, 'x.o', OPTIONS), object)
})
