/**
 * followed-file.test.ts - a followed file has changed when its content has.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FollowedFile, readContent } from '../../src/lib/followed-file.js'

const LONG_AGO = new Date(0)

function fileOf(t: Test, text: string): string {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, text)
  return path
}

t.test('a new text is a change until it is settled', async t => {
  const path = fileOf(t, 'one')
  const file = new FollowedFile(path, 'one')
  t.equal(file.changed(), undefined)
  writeFileSync(path, 'two')
  const content = file.changed()!
  t.equal(content.text, 'two')
  t.equal(file.changed()!.mark, content.mark, 'until then it is a change at each check')
  file.settle(content)
  t.equal(file.changed(), undefined)
})

t.test('without a text in effect the first content is a change', async t => {
  t.equal(new FollowedFile(fileOf(t, '')).changed()!.text, '')
})

t.test('a touched file has not changed, and one with an old time has', async t => {
  const path = fileOf(t, 'one')
  const file = new FollowedFile(path, 'one')
  utimesSync(path, new Date(), new Date())
  t.equal(file.changed(), undefined)
  writeFileSync(path, 'two')
  utimesSync(path, LONG_AGO, LONG_AGO)
  t.equal(file.changed()!.text, 'two')
})

t.test('a swapped symlink of a mounted ConfigMap is a change', async t => {
  const folder = t.testdir({ one: { file: 'one' }, two: { file: 'two' } })
  symlinkSync('one', join(folder, 'data'))
  const file = new FollowedFile(join(folder, 'data', 'file'), 'one')
  symlinkSync('two', join(folder, 'next'))
  renameSync(join(folder, 'next'), join(folder, 'data'))
  t.equal(file.changed()!.text, 'two')
})

t.test('a missing file is one error, and a change again when it is back', async t => {
  const path = fileOf(t, 'one')
  const file = new FollowedFile(path, 'one')
  rmSync(path)
  const missing = file.changed()!
  t.match(missing.error, { code: 'ENOENT' })
  file.settle(missing)
  t.equal(file.changed(), undefined)
  writeFileSync(path, 'one')
  t.equal(file.changed()!.text, 'one')
})

t.test('a path that is not a regular file is never read', async t => {
  const path = join(t.testdir(), 'file')
  mkdirSync(path)
  const read = () => t.fail('read')
  t.match(readContent(path, read as never).error, { message: `${path}: is not a regular file any more` })
})

t.test('a text that looks like an error is not that error', async t => {
  const path = fileOf(t, '')
  const { mark } = readContent(join(path, 'no-folder'))
  writeFileSync(path, mark)
  t.not(readContent(path).mark, mark)
})

t.test('start() checks at the interval until stop()', async t => {
  const file = new FollowedFile(fileOf(t, 'one'))
  // The interval itself does not keep the process alive.
  const alive = setInterval(() => undefined, 1000)
  let checks = 0
  await new Promise<void>(resolve => file.start(() => (++checks === 2 ? resolve() : undefined), 1))
  file.stop()
  clearInterval(alive)
  t.equal(checks, 2)
})
