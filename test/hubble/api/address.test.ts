/**
 * address.test.ts - addresses of the flow API: sockets and TCP ports, and invalid ones.
 */
import t from 'tap'
import { connectTarget, listenOptions, parseApiAddress } from '../../../src/hubble/api/address.js'

t.test('an address is a unix socket or a TCP port', async t => {
  for (const [text, connect, listen] of [
    ['unix:///run/a.sock', 'unix:/run/a.sock', { path: '/run/a.sock' }],
    ['unix:/run/a.sock', 'unix:/run/a.sock', { path: '/run/a.sock' }],
    ['unix:a.sock', 'unix:a.sock', { path: 'a.sock' }],
    [':4244', 'localhost:4244', { port: 4244 }],
    ['10.0.0.1:4244', '10.0.0.1:4244', { host: '10.0.0.1', port: 4244 }],
    ['[fd00::1]:0', '[fd00::1]:0', { host: 'fd00::1', port: 0 }],
    ['hubble-relay.kube-system:80', 'hubble-relay.kube-system:80', { host: 'hubble-relay.kube-system', port: 80 }],
  ] as const) {
    const address = parseApiAddress(text)
    t.strictSame([connectTarget(address), listenOptions(address)], [connect, listen], text)
  }
  t.match(parseApiAddress('tls://relay:443'), { kind: 'tcp', host: 'relay', port: 443, tls: true })
  for (const text of [
    '',
    '4244',
    'host',
    'host:65536',
    'unix:',
    'http://a:1',
    `unix:///${'x'.repeat(107)}`,
    '::1:80',
  ]) {
    t.throws(() => parseApiAddress(text), { message: /allowed: / }, text)
  }
})
