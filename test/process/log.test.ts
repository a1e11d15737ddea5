/**
 * log.test.ts - log lines: level, logfmt and JSON, one line an event, and a stderr that is not read.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import t from 'tap'
import { plainEnvironment } from '../support/weir-process.js'

const LOG = import.meta.resolve('../../src/agent/log.js')

/** The log writes to its process's own stderr, so it gets one. */
function run(body: string): SpawnSyncReturns<string> {
  const script = `import { createLog } from ${JSON.stringify(LOG)}; ${body}`
  const args = ['--input-type=module', '-e', script]
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: plainEnvironment() })
}

const TIME = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z'

t.test('a logfmt line has time, level, message and pairs, and is one line whatever is in it', async t => {
  const { status, stdout, stderr } = run(`
    const log = createLog('info', 'logfmt')
    log.debug('not this')
    log.info({ file: '/a/b', n: 3, list: ['x', 'y'], none: undefined }, 'hello')
    log.error({ err: 'two\\nlines "quoted" a=b', empty: '' }, 'it failed')`)
  t.equal(status, 0)
  t.equal(stdout, '')
  const lines = stderr.split('\n')
  t.equal(lines.length, 3)
  t.match(
    lines[0],
    new RegExp(`^ts=${TIME} level=info msg=hello file=/a/b n=3 list=${'"\\[\\\\"x\\\\",\\\\"y\\\\"\\]"'}$`),
  )
  t.match(lines[1], /^ts=\S+ level=error msg="it failed" err="two\\nlines \\"quoted\\" a=b" empty=""$/)
})

t.test('no log line passes a control character, quoted or not', async t => {
  for (const format of ['logfmt', 'json']) {
    const { stderr } = run(`
      const log = createLog('info', '${format}')
      log.info({ err: 'a\\x1b[2Jb', one: '\\u009b31m', two: '\\x07', three: '\\x7f' }, 'hello')`)
    t.notMatch(stderr, /[^\n -~]/, format)
    t.match(stderr, /\\u001b\[2Jb.*\\u009b31m.*\\u0007.*\\u007f/, format)
  }
})

t.test('a JSON line is one object', async t => {
  const { stderr } = run(`
    const log = createLog('warn', 'json')
    log.info('not this')
    log.warn({ n: 1, err: 'two\\nlines' }, 'take care')`)
  const lines = stderr.split('\n')
  t.equal(lines.length, 2)
  const { ts, ...rest } = JSON.parse(lines[0]!)
  t.match(ts, new RegExp(`^${TIME}$`))
  t.strictSame(rest, { level: 'warn', n: 1, err: 'two\nlines', msg: 'take care' })
})

t.test('what stderr will not take is lost, and nothing is thrown', async t => {
  const { status, stdout } = run(`
    import { closeSync } from 'node:fs'
    const log = createLog('info', 'logfmt')
    closeSync(2)
    log.info('this is not read')
    process.stdout.write('still here')
    process.exit(0)`)
  t.equal(stdout, 'still here')
  t.equal(status, 0)
})

t.test('the last warnings and errors can be listed, bounded in number and length', async t => {
  const { stdout } = run(`
    import { RecentLines } from ${JSON.stringify(import.meta.resolve('../../src/exporter/http/recent-lines.js'))}
    const recent = new RecentLines()
    const log = createLog('info', 'logfmt', recent)
    log.info({ level: 'error' }, 'no fault')
    for (let i = 0; i < 30; i++) log.warn('number ' + i)
    log.error({ err: 'x'.repeat(1000) }, 'it failed')
    process.stdout.write(JSON.stringify(recent.list()))`)
  const lines = JSON.parse(stdout)
  t.equal(lines.length, 20)
  t.match(lines[0], { level: 'warn', text: 'number 11', ts: new RegExp(TIME) })
  t.match(lines.at(-1), { level: 'error', text: /^it failed: x+$/ })
  t.equal(lines.at(-1).text.length, 300)
})
