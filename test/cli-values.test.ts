/**
 * cli-values.test.ts - the values of flags: what is taken, and that a refusal says what is allowed.
 */
import { InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { missingCapabilities } from '../src/cli/kernel.js'
import { explainFile, systemWords } from '../src/cli/os-error.js'
import {
  durationBetween,
  file,
  globs,
  integerBetween,
  listenAddress,
  ringPages,
  source,
  urlPath,
} from '../src/cli/values.js'

const refuses = (t: Test, parse: (text: string) => unknown, texts: readonly string[], allowed: RegExp) => {
  for (const text of texts) {
    try {
      t.fail(`${JSON.stringify(text)} became ${JSON.stringify(parse(text))}`)
    } catch (error) {
      t.type(error, InvalidArgumentError, text)
      t.match((error as Error).message, allowed, text)
    }
  }
}

t.test('durations are numbers with units, several in a row, within bounds', async t => {
  const parse = durationBetween(100, 3_600_000)
  for (const [text, ms] of [
    ['100ms', 100],
    ['5s', 5000],
    ['1.5s', 1500],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['59m59s999ms', 3_599_999],
  ] as const) {
    t.equal(parse(text), ms, text)
  }
  const bad = [
    '',
    '5',
    's',
    '5x',
    '-5s',
    ' 5s',
    '5s ',
    '5 s',
    '1e3s',
    '99ms',
    '1h1ms',
    '5s5',
    '.5s',
    'Infinitys',
    '５s',
  ]
  refuses(t, parse, bad, /^Allowed: .*100ms to 1h/)
  refuses(t, durationBetween(10, 60_000), ['2m'], /10ms to 1m/)
  refuses(t, durationBetween(1, 86_400_000), ['25h'], /1ms to 24h/)
})

t.test('whole numbers are digits within bounds', async t => {
  const parse = integerBetween(1, 16_777_216)
  t.equal(parse('1'), 1)
  t.equal(parse('16777216'), 16_777_216)
  refuses(t, parse, ['', '0', '16777217', '-1', '1.5', '1e3', '0x10', ' 1', '9'.repeat(400)], /1 to 16777216/)
})

t.test('ring pages are a power of two', async t => {
  for (let pages = 1; pages <= 4096; pages *= 2) t.equal(ringPages(String(pages)), pages)
  refuses(t, ringPages, ['0', '3', '4095', '8192', '', 'x', '-8', '8.0'], /power of two from 1 to 4096/)
})

t.test('patterns gather, and a bad one says what is wrong with it', async t => {
  t.strictSame(globs('lxc*', globs('veth[0-9]', [])), ['veth[0-9]', 'lxc*'])
  refuses(t, text => globs(text, []), ['', '[', 'a b', 'eth/0', 'a-name-that-is-too-long'], /^It .*; allowed are .*\.$/)
})

t.test('listen addresses, paths, sources and files are taken as they are written', async t => {
  for (const text of [':10960', '127.0.0.1:0', '[::1]:65535', 'localhost:80']) t.equal(listenAddress(text), text)
  refuses(t, listenAddress, ['', '10960', ':65536', '::1:80', 'http://x:80'], /^Allowed: .*HOST:PORT/)
  t.equal(urlPath('/metrics'), '/metrics')
  refuses(t, urlPath, ['', '/', 'metrics', '/-/ready', '/a?b', '/a b'], /^Allowed: a path like \/metrics/)
  t.strictSame(source('live'), { kind: 'live' })
  t.strictSame(source('replay:a:b.pcap'), { kind: 'replay', file: 'a:b.pcap' })
  refuses(t, source, ['', 'replay:', 'Live', 'file.pcap'], /^Allowed: live, or replay:FILE/)
  t.equal(file('-'), '-')
  refuses(t, file, ['', 'a\0b'], /path of a file/)
})

t.test('any text is taken or refused, and nothing else is thrown', async t => {
  const parsers = [durationBetween(1, 10), integerBetween(0, 9), ringPages, listenAddress, urlPath, source, file]
  const all = [...parsers, (text: string) => globs(text, [])]
  const tries = fc.property(fc.string({ unit: 'binary' }), text => {
    for (const parse of all) {
      try {
        parse(text)
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error
      }
    }
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: 20_260_101, numRuns: 2000 }), 'seed 20260101')
})

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
