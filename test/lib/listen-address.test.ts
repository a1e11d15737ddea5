/**
 * listen-address.test.ts - listen addresses: the accepted forms, their URLs and the error for anything else.
 */
import t from 'tap'
import { parseListenAddress, urlOf } from '../../src/lib/listen-address.js'

t.test("listen addresses have the forms of Prometheus' exporters", async t => {
  const cases = [
    [':10960', { port: 10960 }, 'http://localhost:10960'],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }, 'http://127.0.0.1:0'],
    ['node-1.example:80', { host: 'node-1.example', port: 80 }, 'http://node-1.example:80'],
    ['[::1]:65535', { host: '::1', port: 65535 }, 'http://[::1]:65535'],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }, 'http://[fe80::1%eth0]:1'],
  ] as const
  for (const [text, address, url] of cases) {
    t.strictSame(parseListenAddress(text), address, text)
    t.equal(urlOf(address, address.port), url)
  }
})

t.test('anything else is refused with the text and the accepted forms', async t => {
  for (const text of [
    '',
    '10960',
    'localhost',
    'localhost:',
    '::1:80',
    '[::1]',
    ':65536',
    ':-1',
    ':1e3',
    'http://x:1',
    '[x]:1',
    'a b:1',
  ]) {
    t.throws(() => parseListenAddress(text), {
      message: `listen address '${text}': expected :PORT, HOST:PORT or [IPV6]:PORT, with a port from 0 to 65535`,
    })
  }
})
