/**
 * auth.test.ts - basic authentication: accepted and rejected passwords, timing, floods of wrong ones.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareSync, hashSync } from 'bcryptjs'
import t from 'tap'
import { BasicAuth } from '../../src/web/basic-auth.js'
import { Bcrypt, type Comparison, comparisonsOf, costOf } from '../../src/web/bcrypt.js'
import { basic, listening } from '../support/web-listener.js'

const folder = t.testdir()
const HASH = hashSync('secret', 5)
const users = new Map([
  ['alice', HASH],
  ['carol', hashSync('secret', 7)],
])
const header = (user: string, password: string) => basic(user, password).headers.authorization

/** Compares synchronously and counts the rounds. */
class Counting {
  asked: Comparison[] = []
  compare(comparison: Comparison): Promise<boolean> {
    this.asked.push(comparison)
    return Promise.resolve(compareSync(comparison.password, comparison.hashes[0]!))
  }
  close() {}
  /** 2^cost for each hash. */
  rounds(): number {
    const hashes = this.asked.splice(0).flatMap(({ hashes }) => hashes)
    return hashes.reduce((sum, hash) => sum + 2 ** costOf(hash), 0)
  }
}

t.test('the right password gets 200; anything else gets 401 with WWW-Authenticate', async t => {
  const file = join(folder, 'auth.yml')
  writeFileSync(file, `basic_auth_users: { alice: "${HASH}" }\n`)
  const { get, refusals } = await listening(t, file)
  t.match(await get(basic('alice', 'secret')), { status: 200, body: 'page' })
  const wrong = [
    {},
    basic('alice', 'Secret'),
    basic('alice', ''),
    basic('bob', 'secret'),
    basic('', ''),
    basic('alice', HASH),
    { headers: { authorization: 'Bearer secret' } },
    { headers: { authorization: 'Basic ???' } },
    { headers: { authorization: `Basic ${Buffer.from('alice').toString('base64')}` } },
  ]
  for (const path of ['/metrics', '/', '/-/healthy', '/-/ready', '/absent']) {
    for (const asked of wrong) {
      const { status, headers, body } = await get({ ...asked, path })
      t.match({ status, body }, { status: 401, body: 'Unauthorized\n' }, path)
      t.equal(headers['www-authenticate'], 'Basic')
    }
  }
  t.equal(refusals.length, 5 * wrong.length)
  t.match(await get(basic('alice', 'secret')), { status: 200 })
})

t.test('a change of users takes effect within a second, also for cached passwords', async t => {
  const file = join(folder, 'users.yml')
  writeFileSync(file, `basic_auth_users: { alice: "${HASH}" }\n`)
  const { get, look } = await listening(t, file)
  t.equal((await get(basic('alice', 'secret'))).status, 200)
  writeFileSync(file, `basic_auth_users: { alice: "${hashSync('another', 4)}" }\n`)
  look()
  t.equal((await get(basic('alice', 'secret'))).status, 401)
  t.equal((await get(basic('alice', 'another'))).status, 200)
})

t.test('a slip in the file of a running exporter closes the page until it is corrected', async t => {
  const good = `basic_auth_users: { alice: "${HASH}" }\n`
  const file = join(folder, 'slips.yml')
  writeFileSync(file, good)
  const { get, look } = await listening(t, file)
  const bomb = [
    '&a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((name, i) => {
      const before = 'abcdefgh'[i]
      return `&${name} [${`*${before},`.repeat(8)}*${before}]`
    }),
  ]
  const slips = [
    'basic_auth_users: *nowhere\n',
    `basic_auth_users:\n${bomb.map((list, i) => `  u${i}: ${list}\n`).join('')}`,
    'http_server_config: { headers: { constructor: x } }\n',
    'http_server_config: { headers: { toString: x } }\n',
    'http_server_config: { headers: { __proto__: x } }\n',
    `basic_auth_users: { __proto__: "${HASH}" }\n`,
    `basic_auth_users: { "\\x5f_proto__": "${HASH}" }\n`,
  ]
  for (const slip of slips) {
    writeFileSync(file, slip)
    look()
    t.equal((await get({})).status, 500, slip)
    t.equal((await get(basic('alice', 'secret'))).status, 500, slip)
    writeFileSync(file, good)
    look()
    t.equal((await get({})).status, 401)
    t.equal((await get(basic('alice', 'secret'))).status, 200)
  }
  writeFileSync(file, `basic_auth_users: { constructor: "${HASH}" }\n`)
  look()
  t.equal((await get({})).status, 401)
  t.equal((await get(basic('constructor', 'secret'))).status, 200)
})

t.test('a wrong password takes as many rounds as an unknown user, whatever the cost of the hash', async t => {
  const counting = new Counting()
  const auth = new BasicAuth(counting)
  for (const user of ['alice', 'carol', 'unknown', '', 'constructor', '__proto__']) {
    t.equal(await auth.authenticate(header(user, 'wrong'), users), 'rejected')
    t.equal(counting.rounds(), 2 ** 7, user)
    t.equal(await auth.authenticate(header(user, 'wrong'), users), 'rejected')
    t.equal(counting.rounds(), 0, `${user}, cached`)
  }
  t.equal(await auth.authenticate(header('alice', 'secret'), users), 'accepted')
  t.equal(counting.rounds(), 2 ** 7, 'the right password too')
})

t.test('dummy hashes are well-formed, so bcrypt compares them in full', async t => {
  for (const hash of [...comparisonsOf(undefined, 4), ...comparisonsOf(HASH, 6)]) {
    t.match(hash, /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/)
    t.equal(compareSync('fakepassword', hash), false)
  }
  t.strictSame(comparisonsOf(HASH, 5), [HASH])
})

t.test('a flood of wrong passwords neither evicts the right one from the cache nor grows it', async t => {
  const counting = new Counting()
  const auth = new BasicAuth(counting)
  const cheap = new Map([['alice', hashSync('secret', 4)]])
  t.equal(await auth.authenticate(header('alice', 'secret'), cheap), 'accepted')
  for (let i = 0; i < 150; i++) await auth.authenticate(header('alice', `wrong ${i}`), cheap)
  counting.rounds()
  t.equal(await auth.authenticate(header('alice', 'secret'), cheap), 'accepted')
  t.equal(counting.rounds(), 0)
  await auth.authenticate(header('alice', 'wrong 0'), cheap)
  t.equal(counting.rounds(), 2 ** 4, 'the oldest wrong one was evicted')
})

t.test('the queue of comparisons is short: more get 503 at once, and a cached password still gets 200', async t => {
  const file = join(folder, 'flood.yml')
  writeFileSync(file, `basic_auth_users: { alice: "${hashSync('secret', 9)}" }\n`)
  const { get } = await listening(t, file)
  t.equal((await get(basic('alice', 'secret'))).status, 200)
  const flood = Promise.all(Array.from({ length: 100 }, (_, i) => get(basic('alice', `wrong ${i}`))))
  t.equal((await get(basic('alice', 'secret'))).status, 200)
  t.strictSame(new Set((await flood).map(({ status }) => status)), new Set([401, 503]))
})

t.test('concurrent comparisons each get their own result, and the queue holds 32', async t => {
  const bcrypt = new Bcrypt()
  t.teardown(() => bcrypt.close())
  const passwords = ['secret', 'wrong', 'secret', 'no']
  const found = await Promise.all(passwords.map(password => bcrypt.compare({ password, hashes: [HASH] })))
  t.strictSame(found, [true, false, true, false])
  const many = Array.from({ length: 40 }, () => bcrypt.compare({ password: 'wrong', hashes: [HASH] }))
  t.equal(many.filter(answer => answer === undefined).length, 8, 'at most 32 in the queue')
  await Promise.all(many)
  bcrypt.close()
  t.equal(await bcrypt.compare({ password: 'secret', hashes: [HASH] }), true, 'a new thread after close')
})
