/**
 * auth-filter.test.ts - configured headers, rate limit, request bodies.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RateLimit } from '../../src/web/rate-limit.js'
import { listening, raw } from '../support/web-listener.js'

const folder = t.testdir()
const written = (name: string, content: string) => {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

t.test('every response has the configured headers, a 401 too', async t => {
  const headers = '{ X-Frame-Options: deny, Content-Security-Policy: "default-src \'self\'" }'
  const file = written('headers.yml', `http_server_config: { headers: ${headers} }\n`)
  const { get, look } = await listening(t, file)
  t.match(await get(), {
    status: 200,
    headers: { 'x-frame-options': 'deny', 'content-security-policy': "default-src 'self'" },
  })
  written(
    'headers.yml',
    `http_server_config: { headers: ${headers} }\nbasic_auth_users: { a: "$2b$04$${'a'.repeat(53)}" }\n`,
  )
  look()
  t.match(await get(), { status: 401, headers: { 'x-frame-options': 'deny' } })
})

t.test('requests beyond the rate limit get 429', async t => {
  const { get, look, refusals } = await listening(t, written('rate.yml', 'rate_limit: { interval: 1h, burst: 2 }\n'))
  t.equal((await get()).status, 200)
  t.equal((await get()).status, 200)
  t.match(await get(), { status: 429, body: 'Too Many Requests\n' })
  t.strictSame(refusals, ['rate_limit'])
  written('rate.yml', 'rate_limit: { interval: 1h, burst: 1 }\n')
  look()
  t.equal((await get()).status, 200, 'a changed limit starts with a full bucket')
  t.equal((await get()).status, 429)
  written('rate.yml', '\n')
  look()
  t.equal((await get()).status, 200)
})

t.test('the bucket refills one token per interval, up to the burst', async t => {
  let now = 0
  const limit = new RateLimit({ intervalMs: 100, burst: 2 }, () => now)
  const allowed = () => [limit.allow(), limit.allow(), limit.allow()]
  t.strictSame(allowed(), [true, true, false])
  now += 99
  t.equal(limit.allow(), false)
  now += 1
  t.strictSame(allowed(), [true, false, false])
  now += 100_000
  t.strictSame(allowed(), [true, true, false])
})

t.test('a request with a body gets 413, and the body is not read', async t => {
  const { port, refusals } = await listening(t)
  for (const framing of ['Content-Length: 1000000000000', 'Transfer-Encoding: chunked']) {
    const { closed } = raw(port, `GET / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)
    t.match(await closed, /^HTTP\/1\.1 413 Payload Too Large\r\n.*Connection: close\r\n/is)
  }
  t.strictSame(refusals, ['body', 'body'])
})
