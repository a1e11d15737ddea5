/**
 * os-error.test.ts - texts of errors of the operating system.
 */
import t from 'tap'
import { explainFile, systemWords } from '../../src/lib/os-error.js'

t.test('an error of the system names the file in plain words, and other errors pass unchanged', async t => {
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
