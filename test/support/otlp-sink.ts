/**
 * otlp-sink.ts - an OTLP receiver on loopback that validates strictly and fails on demand.
 *
 * In:    behaviours, one per request; without one, requests are accepted.
 * Out:   every request with its points, and whether it was accepted.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { messageType, readJson, readWire } from './strict-proto.js'

export interface SunkPoint {
  readonly name: string
  readonly unit: string
  readonly kind: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram'
  /** 1 delta, 2 cumulative, undefined for gauges. */
  readonly temporality: number | undefined
  readonly monotonic: boolean
  readonly attributes: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970. */
  readonly start: number
  readonly time: number
  /** Sums and gauges only. */
  readonly value: number
  /** Histograms only. */
  readonly count: number
  readonly sum: number
  readonly counts: readonly number[]
  readonly bounds: readonly number[]
  readonly scale: number
  readonly offset: number
}

export interface SunkRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Bytes as sent, and decompressed. */
  readonly bytes: number
  readonly unpacked: number
  readonly resource: Readonly<Record<string, unknown>>
  readonly points: readonly SunkPoint[]
  readonly accepted: boolean
}

/** Handles a request after it was read; returns whether the receiver accepts its points. */
export type Behaviour = (response: ServerResponse, request: SunkRequest, socket: Socket) => boolean

export interface Sink {
  readonly url: string
  /** In order of arrival. */
  readonly requests: SunkRequest[]
  readonly behaviours: Behaviour[]
  /** Errors found in bodies and paths. */
  readonly faults: string[]
  accepted(): SunkPoint[]
  close(): Promise<void>
}

type Json = Record<string, unknown>

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  response => {
    response.writeHead(status, headers).end(body)
    return status < 300
  }

export async function startSink(port = 0, tls?: SecureContextOptions & { requestCert?: boolean }): Promise<Sink> {
  const requests: SunkRequest[] = []
  const behaviours: Behaviour[] = []
  const faults: string[] = []
  const sockets = new Set<Socket>()
  const listener: RequestListener = async (request, response) => {
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
      const read = readRequest(request, Buffer.concat(parts))
      const behaviour = behaviours.shift() ?? acceptAs(request)
      requests.push({ ...read, accepted: behaviour(response, read, request.socket) })
    } catch (error) {
      if (request.destroyed && !request.complete) return
      faults.push((error as Error).message)
      response.writeHead(400).end(String(error))
    }
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${bound}/v1/metrics`,
    requests,
    behaviours,
    faults,
    accepted: () => requests.filter(request => request.accepted).flatMap(request => request.points),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const isJson = (request: IncomingMessage): boolean => request.headers['content-type'] === 'application/json'

/** An empty response in the protocol of the request. */
function acceptAs(request: IncomingMessage): Behaviour {
  const type = String(request.headers['content-type'])
  return answer(200, { 'Content-Type': type }, isJson(request) ? '{}' : '')
}

/** A partial success: the receiver rejected some points. */
export const partial =
  (rejected: number, message: string): Behaviour =>
  (response, { headers }) => {
    const type = messageType('ExportMetricsServiceResponse')
    const body = { partialSuccess: { rejectedDataPoints: rejected, errorMessage: message } }
    const json = headers['content-type'] === 'application/json'
    response.writeHead(200, { 'Content-Type': String(headers['content-type']) })
    response.end(json ? JSON.stringify(body) : type.encode(type.fromObject(body)).finish())
    return true
  }

function readRequest(request: IncomingMessage, body: Buffer): SunkRequest {
  if (request.method !== 'POST' || request.url !== '/v1/metrics') throw new Error(`${request.method} ${request.url}`)
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
  const name = 'ExportMetricsServiceRequest'
  const read = isJson(request) ? readJson(name, bytes.toString()) : readWire(name, bytes)
  if (!isJson(request) && request.headers['content-type'] !== 'application/x-protobuf') throw new Error('content type')
  const [resourceMetrics, ...more] = read.resourceMetrics as Json[]
  if (resourceMetrics === undefined || more.length > 0) throw new Error('not one resource')
  return {
    path: request.url,
    headers: request.headers,
    bytes: body.length,
    unpacked: bytes.length,
    resource: attributesOf((resourceMetrics.resource as Json).attributes as Json[]),
    points: (resourceMetrics.scopeMetrics as Json[]).flatMap(scope => (scope.metrics as Json[]).flatMap(pointsOf)),
    accepted: false,
  }
}

function attributesOf(list: Json[] = []): Record<string, unknown> {
  const pairs = list.map(pair => [pair.key, Object.values(pair.value ?? {})[0]] as const)
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error('an attribute twice')
  return Object.fromEntries(pairs)
}

const KINDS = ['sum', 'gauge', 'histogram', 'exponentialHistogram'] as const

function pointsOf(metric: Json): SunkPoint[] {
  const kind = KINDS.find(each => metric[each] !== undefined)
  if (kind === undefined) throw new Error(`${metric.name} has no data`)
  const data = metric[kind] as unknown as {
    dataPoints: Record<string, unknown>[]
    aggregationTemporality?: number
    isMonotonic?: boolean
  }
  return data.dataPoints.map(point => ({
    name: String(metric.name),
    unit: String(metric.unit ?? ''),
    kind,
    temporality: data.aggregationTemporality,
    monotonic: data.isMonotonic === true,
    attributes: attributesOf(point.attributes as Json[]),
    start: Number(point.startTimeUnixNano) / 1e6,
    time: Number(point.timeUnixNano) / 1e6,
    value: Number(point.asDouble ?? point.asInt ?? 0),
    count: Number(point.count ?? 0),
    sum: Number(point.sum ?? 0),
    scale: Number(point.scale ?? 0),
    bounds: (point.explicitBounds ?? []) as number[],
    ...bucketsOf(point),
  }))
}

function bucketsOf(point: Record<string, unknown>): { counts: number[]; offset: number } {
  const positive = point.positive as { offset?: number; bucketCounts?: string[] } | undefined
  const counts = (point.bucketCounts ?? positive?.bucketCounts ?? []) as string[]
  return { counts: counts.map(Number), offset: positive?.offset ?? 0 }
}
