/**
 * raw-observer.ts - a gRPC client of Hubble's API that knows field numbers only, and no .proto.
 *
 * In:    a target of the gRPC library; requests as bytes (wire.ts).
 * Out:   answers as fields by number.
 */
import {
  Client,
  type ClientReadableStream,
  credentials,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { Fields } from './wire.js'

/** GetFlowsRequest. */
export const REQUEST = {
  number: 1,
  follow: 3,
  blacklist: 5,
  whitelist: 6,
  since: 7,
  until: 8,
  first: 9,
  mask: 10,
} as const
/** GetFlowsResponse. */
export const RESPONSE = { flow: 1, lost: 3, nodeName: 1000, time: 1001 } as const
/** Flow. */
export const FLOW = {
  ip: 5,
  source: 8,
  destination: 9,
  uuid: 34,
  isReply: 26,
  summary: 100_000,
} as const
/** FlowFilter. */
export const FILTER = { sourceIp: 1, sourcePod: 2, verdict: 5, sourceLabel: 10 } as const
export const VERDICT = { forwarded: 1, dropped: 2 } as const
export const LOST = { source: 1, events: 2, hubbleRing: 3 } as const

const same = (bytes: Buffer): Buffer => bytes

export class RawObserver {
  readonly #client: Client

  constructor(t: Test, target: string) {
    this.#client = new Client(target, credentials.createInsecure())
    t.teardown(() => this.#client.close())
  }

  /** Opens a stream that the caller reads at its own pace. A method of another service is given with its full path. */
  open(method: string, request: Buffer): ClientReadableStream<Buffer> {
    const path = method.startsWith('/') ? method : `/observer.Observer/${method}`
    const call = this.#client.makeServerStreamRequest(path, same, same, request)
    call.on('error', () => undefined)
    return call
  }

  /** All answers, once the server has ended the stream. */
  async all(method: string, request: Buffer): Promise<Fields[]> {
    const answers: Fields[] = []
    for await (const bytes of this.open(method, request)) answers.push(new Fields(bytes as Buffer))
    return answers
  }

  /** Flows only. */
  async flows(request: Buffer): Promise<Fields[]> {
    return (await this.all('GetFlows', request)).map(answer => answer.message(RESPONSE.flow))
  }

  call(method: string): Promise<Fields> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, bytes?: Buffer) =>
        error === null ? resolve(new Fields(bytes!)) : reject(error)
      this.#client.makeUnaryRequest(`/observer.Observer/${method}`, same, same, Buffer.alloc(0), done)
    })
  }

  /** The status with which a stream ends. */
  statusOf(method: string, request: Buffer): Promise<StatusObject> {
    return new Promise(resolve => this.open(method, request).on('status', resolve).resume())
  }
}

export { status }
