/**
 * port-name.test.ts - service names behind port numbers, per transport protocol.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { sctpPort, tcpPort, udpPort } from '../../src/monitor/layers/port-name.js'

t.test('a port has the service name of its own protocol', async t => {
  t.strictSame([tcpPort(512), udpPort(512), sctpPort(512)], ['512(exec)', '512(comsat)', '512'])
  t.strictSame([tcpPort(443), udpPort(443), sctpPort(443)], ['443(https)', '443(https)', '443(https)'])
  t.equal(sctpPort(29_169), '29169(iuhsctpassoc)')
  t.equal(tcpPort(3283), '3283(Apple Remote Desktop (Net Assistant))')
})

t.test('a port without a service is a bare number', async t => {
  t.strictSame([tcpPort(0), udpPort(4), sctpPort(65_535)], ['0', '4', '65535'])
})

t.test('the registry has one service per port and protocol, on well-formed lines', async t => {
  const lines = readFileSync('src/monitor/layers/ports.csv', 'utf8').trim().split('\n')
  const services = lines.filter(line => !line.startsWith('#'))
  t.strictSame(
    services.filter(line => !/^\d{1,5},(tcp|udp|sctp)(\/(udp|sctp))*,[^,]+$/.test(line)),
    [],
  )
  const ports = services.flatMap(line => {
    const [port, protocols = ''] = line.split(',')
    return protocols.split('/').map(protocol => `${port}/${protocol}`)
  })
  t.equal(new Set(ports).size, ports.length)
  t.equal(ports.length, 11_328)
})
