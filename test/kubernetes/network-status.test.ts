/**
 * network-status.test.ts - addresses in the annotations of Multus and OVN-Kubernetes, also damaged ones.
 */
import t from 'tap'
import { managementAddresses, networkAddresses } from '../../src/kubernetes/object/network-status.js'

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const pod = (networks: unknown) => networkAddresses({ 'k8s.v1.cni.cncf.io/network-status': text(networks) })
const node = (subnets: unknown) => managementAddresses({ 'k8s.ovn.org/node-subnets': text(subnets) })

t.test("a pod's further networks have addresses of their own", async t => {
  const networks = [
    { name: 'cbr0', interface: 'eth0', ips: ['10.244.0.7'], default: true },
    { name: 'storage', interface: 'net1', ips: ['192.168.7.2', 'FD00:0::7'], mac: '02:00:00:00:00:01' },
    { name: 'sriov', interface: 'net2' },
  ]
  t.strictSame(pod(networks), ['192.168.7.2', 'fd00::7'])
  t.strictSame(networkAddresses(undefined), [])
  for (const damaged of ['', '{', 'null', '7', '[null, 7, {"ips": "10.0.0.1"}, {"ips": [null, 7, "x"]}]'])
    t.strictSame(pod(damaged), [], damaged)
})

t.test("a node's management port has the second address of each subnet", async t => {
  t.strictSame(node({ default: '10.128.2.0/23' }), ['10.128.2.2'])
  t.strictSame(node({ default: ['10.128.2.0/23', 'fd01:0:0:3::/64'] }), ['10.128.2.2', 'fd01:0:0:3::2'])
  t.strictSame(managementAddresses({}), [])
  for (const damaged of ['', '{', 'null', '7', '{"default": [7, "x", null, "10.0.0.0/30"]}'])
    t.strictSame(node(damaged), [], damaged)
})
