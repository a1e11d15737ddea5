// SPDX-License-Identifier: Apache-2.0
/**
 * client.ts - a client of Hubble's flow API: for a running Weir, a Cilium agent or a Relay.
 *
 * In:    an address as address.ts parses it.
 * Out:   responses in the form of observe/response.ts. Streams have backpressure: a slow reader slows the server down.
 * Fail:  an Error that names the address: no server there, or the server's error with gRPC's `.code`.
 */
import type { ClientReadableStream, Client as GrpcClient, ServiceError } from '@grpc/grpc-js'
import type { FlowFilter } from '../observe/filter/flow-filter.js'
import type { FlowResponse } from '../observe/response.js'
import { connectTarget, parseApiAddress } from './address.js'
import { decodeResponse, type Message, timestamp } from './message.js'
import { type Api, loadApi, type Method } from './proto.js'

/** The fields of GetFlowsRequest; times in the format of a flow's `time`. */
export interface FlowsQuery {
  readonly number?: number
  readonly first?: boolean
  readonly follow?: boolean
  readonly since?: string
  readonly until?: string
  readonly allow?: readonly FlowFilter[]
  readonly deny?: readonly FlowFilter[]
  /** Field mask: paths of proto field names. Without it, flows have all fields. */
  readonly fields?: readonly string[]
}

/** ServerStatusResponse. 64-bit numbers are decimal text; an absent field is 0 or unknown. */
export interface ServerStatus {
  readonly num_flows?: string
  readonly max_flows?: string
  readonly seen_flows?: string
  readonly uptime_ns?: string
  readonly num_connected_nodes?: number
  readonly num_unavailable_nodes?: number
  readonly unavailable_nodes?: readonly string[]
  readonly version?: string
  readonly flows_rate?: number
}

/** A raw record or a number of lost records, with the time of receipt: Unix seconds, and nanoseconds of the second. */
export interface RawRecord {
  readonly record?: Uint8Array
  readonly lost?: number
  readonly seconds: number
  readonly nanoseconds: number
}

const CONNECT_MS = 5000
const REQUEST_MS = 12_000
const CANCELLED = 1

export class ObserverClient {
  readonly #api: Api
  readonly #address: string
  readonly #client: GrpcClient

  /** Connects. Throws when the connection is refused, or not ready within 5 s. */
  static async connect(address: string): Promise<ObserverClient> {
    const parsed = parseApiAddress(address)
    const api = await loadApi()
    const { credentials } = api.grpc
    const tls = parsed.kind === 'tcp' && parsed.tls
    const security = tls ? credentials.createSsl() : credentials.createInsecure()
    const client = new api.grpc.Client(connectTarget(parsed), security)
    if (await isReady(client, api)) return new ObserverClient(api, address, client)
    client.close()
    throw new Error(`${address}: no flow API answers`)
  }

  private constructor(api: Api, address: string, client: GrpcClient) {
    this.#api = api
    this.#address = address
    this.#client = client
  }

  /** Yields to the end of the answer; with `follow` until the caller leaves the loop, `signal` aborts or the server stops. */
  async *getFlows(query: FlowsQuery, signal?: AbortSignal): AsyncGenerator<FlowResponse> {
    const { allow = [], deny = [], since, until, fields = [], number = 0, first = false, follow = false } = query
    const request = {
      ...(number === 0 ? {} : { number }),
      ...(first ? { first } : {}),
      ...(follow ? { follow } : {}),
      whitelist: allow,
      blacklist: deny,
      ...(since === undefined ? {} : { since: timestamp(since) }),
      ...(until === undefined ? {} : { until: timestamp(until) }),
      ...(fields.length === 0 ? {} : { field_mask: { paths: fields } }),
    }
    for await (const message of this.#stream(this.#api.observer.GetFlows!, request, signal))
      yield decodeResponse(message)
  }

  /** Weir's extension: raw records. Yields the last `number`; 0 is all in the flow buffer, or none of them with `follow`. */
  async *getRecords(number: number, follow: boolean, signal?: AbortSignal): AsyncGenerator<RawRecord> {
    const request = { number, follow }
    for await (const message of this.#stream(this.#api.weir.GetRecords!, request, signal)) {
      const {
        record,
        lost,
        time = {},
      } = message as {
        record?: Uint8Array
        lost?: string
        time?: { seconds?: string; nanos?: number }
      }
      yield {
        ...(record === undefined ? {} : { record }),
        ...(lost === undefined ? {} : { lost: Number(lost) }),
        seconds: Number(time.seconds ?? 0),
        nanoseconds: time.nanos ?? 0,
      }
    }
  }

  async serverStatus(): Promise<ServerStatus> {
    const answer = await this.#call(this.#api.observer.ServerStatus!)
    const {
      num_connected_nodes: connected,
      num_unavailable_nodes: unavailable,
      ...rest
    } = answer as {
      num_connected_nodes?: { value?: number }
      num_unavailable_nodes?: { value?: number }
    }
    return {
      ...rest,
      ...(connected === undefined ? {} : { num_connected_nodes: connected.value ?? 0 }),
      ...(unavailable === undefined ? {} : { num_unavailable_nodes: unavailable.value ?? 0 }),
    }
  }

  /** Weir's extension: further status lines, as name and value. Undefined when the server is not a Weir. */
  async getStatus(): Promise<readonly (readonly [string, string])[] | undefined> {
    try {
      const { lines = [] } = (await this.#call(this.#api.weir.GetStatus!)) as {
        lines?: { name?: string; value?: string }[]
      }
      return lines.map(({ name = '', value = '' }) => [name, value] as const)
    } catch (error) {
      if ((error as ServiceError).code === this.#api.grpc.status.UNIMPLEMENTED) return undefined
      throw error
    }
  }

  /** Ends open calls and closes the connection. Can be called twice. */
  close(): void {
    this.#client.close()
  }

  async *#stream(method: Method, request: Message, signal?: AbortSignal): AsyncGenerator<Message> {
    const { path, requestSerialize, responseDeserialize } = method
    const call: ClientReadableStream<Message> = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    )
    const cancel = () => call.cancel()
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) cancel()
    // cancel() emits an error after the loop below has ended; without a listener it would end the process.
    call.on('error', () => undefined)
    try {
      for await (const message of call) yield message as Message
    } catch (error) {
      if (!(signal?.aborted && (error as ServiceError).code === CANCELLED)) throw this.#errorOf(error as ServiceError)
    } finally {
      signal?.removeEventListener('abort', cancel)
      cancel()
    }
  }

  #call({ path, requestSerialize, responseDeserialize }: Method): Promise<Message> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + REQUEST_MS }
      const done = (error: ServiceError | null, answer?: Message) => {
        if (error === null) resolve(answer ?? {})
        else reject(this.#errorOf(error))
      }
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, options, done)
    })
  }

  #errorOf(error: ServiceError): Error {
    return Object.assign(new Error(`${this.#address}: ${error.details || error.message}`), { code: error.code })
  }
}

/** Waits for the connection. The library would retry until the deadline; here a refused connection is final. */
function isReady(client: GrpcClient, { grpc }: Api): Promise<boolean> {
  const channel = client.getChannel()
  const deadline = Date.now() + CONNECT_MS
  return new Promise(resolve => {
    const check = () => {
      const state = channel.getConnectivityState(true)
      if (state === grpc.connectivityState.READY) return resolve(true)
      if (state === grpc.connectivityState.TRANSIENT_FAILURE) return resolve(false)
      channel.watchConnectivityState(state, deadline, error => (error === undefined ? check() : resolve(false)))
    }
    check()
  })
}
