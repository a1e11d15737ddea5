/**
 * weir-process.test.ts - the listen address of the tests' Weir, from its log.
 */
import t from 'tap'
import { listeningUrl } from '../support/weir-process.js'

t.test('the URL is taken from the line that says listening', async t => {
  const said =
    'level=info msg=attached url=http://no\ntime=1 level=info msg=listening url=http://127.0.0.1:4711 path=/metrics\n'
  t.equal(listeningUrl(said), 'http://127.0.0.1:4711')
  t.equal(listeningUrl('msg="listening" url="http://127.0.0.1:1"\n'), 'http://127.0.0.1:1')
})

t.test('an incomplete line is not used', async t => {
  t.equal(listeningUrl(''), undefined)
  t.equal(listeningUrl('msg=listening url=http://127.0.0.1:47'), undefined)
  t.equal(listeningUrl('msg=attached url=http://no\n'), undefined)
})
