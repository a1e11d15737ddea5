/**
 * kubernetes-server.ts - the API of a generated cluster of 150,000 pods, 5,000 nodes and 10,000 services, as a program.
 *
 * In:    messages from the parent: `{ perSecond }` starts changes of pods.
 * Out:   `{ port, authority }` once it listens; paged lists and watches over TLS. Objects are as large as in a real
 *        cluster (pods 4.6 kB) and come from templates, so that the client gets the CPU time.
 * Never: outlives its parent.
 */

import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSigned } from '../src/lab/kubernetes/certificate.js'

const PODS = 150_000
const NODES = 5_000
const SERVICES = 10_000
const POD_FIELDS = 'x'.repeat(3_600)
const NODE_FIELDS = 'x'.repeat(9_000)
const VERSION = '1000000'

interface Kind {
  readonly count: number
  item(index: number): string
}

const KINDS: Readonly<Record<string, Kind>> = {
  '/api/v1/pods': { count: PODS, item: i => podOf(i, `10.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`) },
  '/api/v1/nodes': { count: NODES, item: nodeOf },
  '/api/v1/services': { count: SERVICES, item: serviceOf },
  '/api/v1/namespaces': { count: 200, item: i => `{"metadata":{"name":"ns-${i}","labels":{"team":"t${i % 20}"}}}` },
  '/apis/discovery.k8s.io/v1/endpointslices': { count: SERVICES, item: sliceOf },
}

const certificate = await selfSigned()
const watches = new Set<ServerResponse>()
const server = createServer(certificate, (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost')
  const kind = KINDS[pathname]
  if (kind === undefined) {
    response.writeHead(404).end('{}')
  } else if (searchParams.get('watch') === '1') {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (pathname !== '/api/v1/pods') return
    watches.add(response)
    response.once('close', () => watches.delete(response))
  } else {
    const from = Number(searchParams.get('continue') ?? 0)
    const to = Math.min(kind.count, from + Number(searchParams.get('limit')))
    const items = Array.from({ length: to - from }, (_, i) => kind.item(from + i))
    const more = to < kind.count ? `,"continue":"${to}"` : ''
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"kind":"List","metadata":{"resourceVersion":"${VERSION}"${more}},"items":[${items.join(',')}]}\n`)
  }
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port, authority: certificate.cert })
})
process.once('disconnect', () => process.exit(0))
process.on('message', ({ perSecond }: { perSecond: number }) => change(perSecond))

/** A third each of ADDED, MODIFIED (with an address) and DELETED pods. A pod's name has the event's time in us. */
function change(perSecond: number): void {
  const TICK_MS = 10
  let sent = 0
  let due = 0
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    due += ((now - last) * perSecond) / 1000
    last = now
    for (; due >= 1; due--) send(sent++)
  }, TICK_MS)
}

const AGES = [0, 50, 500] as const

function send(n: number): void {
  const age = AGES[n % AGES.length]!
  const index = PODS + Math.max(0, Math.floor(n / AGES.length) - age)
  const ip = age === 0 ? '' : `10.${80 + ((index >> 16) & 15)}.${(index >> 8) & 255}.${index & 255}`
  const stamp = Math.round((performance.timeOrigin + performance.now()) * 1000)
  const type = age === 0 ? 'ADDED' : age === 50 ? 'MODIFIED' : 'DELETED'
  const line = `{"type":"${type}","object":${podOf(index, ip, `stamp-${stamp}`)}}\n`
  for (const response of watches) response.write(line)
}

function podOf(i: number, ip: string, name = `app-${i % 10_000}-5d8f7c9b6d-${i}`): string {
  const app = `app-${i % 10_000}`
  const labels = `{"app":"${app}","pod-template-hash":"5d8f7c9b6d","version":"v${i % 3}"}`
  const owner = `[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"${app}-5d8f7c9b6d","uid":"r","controller":true}]`
  const status = ip === '' ? '"phase":"Pending"' : `"phase":"Running","podIP":"${ip}","podIPs":[{"ip":"${ip}"}]`
  return `{"metadata":{"name":"${name}","generateName":"${app}-5d8f7c9b6d-","namespace":"ns-${i % 200}","uid":"${uid(i)}","resourceVersion":"${VERSION}","creationTimestamp":"2026-01-01T00:00:00Z","labels":${labels},"ownerReferences":${owner},"managedFields":"${POD_FIELDS}"},"spec":{"nodeName":"node-${i % NODES}","containers":[{"name":"c","image":"registry.example/app:1","env":[{"name":"A","value":"b"}],"resources":{"limits":{"cpu":"1"}}}]},"status":{${status},"startTime":"2026-01-01T00:00:01Z","conditions":[{"type":"Ready","status":"True"}]}}`
}

function nodeOf(i: number): string {
  const ip = `172.${16 + (i >> 8)}.${i & 255}.1`
  const labels = `{"topology.kubernetes.io/zone":"zone-${i % 3}"}`
  return `{"metadata":{"name":"node-${i}","uid":"n${i}","labels":${labels},"managedFields":"${NODE_FIELDS}"},"spec":{"podCIDR":"10.${64 + (i >> 8)}.${i & 255}.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"${ip}"}]}}`
}

function serviceOf(i: number): string {
  const ip = `10.32.${i >> 8}.${i & 255}`
  return `{"metadata":{"name":"app-${i}","namespace":"ns-${i % 200}","uid":"s${i}"},"spec":{"clusterIP":"${ip}","clusterIPs":["${ip}"],"ports":[{"port":80,"protocol":"TCP"}]}}`
}

/** A slice has fifteen pods. */
function sliceOf(i: number): string {
  const endpoints = Array.from({ length: 15 }, (_, n) => {
    const pod = i + n * SERVICES
    return `{"addresses":["10.64.0.1"],"conditions":{"ready":true},"targetRef":{"kind":"Pod","namespace":"ns-${i % 200}","name":"p","uid":"${uid(pod)}"}}`
  })
  return `{"metadata":{"name":"app-${i}-x","namespace":"ns-${i % 200}","uid":"e${i}","labels":{"kubernetes.io/service-name":"app-${i}"}},"endpoints":[${endpoints.join(',')}]}`
}

function uid(i: number): string {
  return `5f1c8a4e-0b7d-4c3e-9a21-${i.toString(16).padStart(12, '0')}`
}
