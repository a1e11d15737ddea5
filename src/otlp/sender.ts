// SPDX-License-Identifier: Apache-2.0
/**
 * sender.ts - sends batches with OpenTelemetry's SDK: NodeSDK with one reader on demand, one producer and an OTLP exporter.
 *
 * In:    batches, one at a time.
 * Out:   responses. The SDK retries a request within its timeout where the protocol allows it.
 * Never: sends traces or logs, nor reads OTEL_* variables: the worker's environment has none.
 */
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  type CollectionResult,
  type MetricData,
  MetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { resolvesWithin } from '../lib/deadline.js'
import type { OtlpConfig } from './config.js'
import { Connection } from './connection.js'
import type { WorkerStart } from './message.js'
import { type ReceiverResponse, ResponseWatcher } from './response.js'

/** Lets the SDK's own timeout fire first when the server just does not answer. */
const GRACE_MS = 200
const NO_RESPONSE: ExportResult = { code: ExportResultCode.FAILED, error: new Error('no response in time') }

/** Collects on demand, without a timer. */
class OnDemandReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export class Sender {
  readonly #responses: ResponseWatcher
  readonly #connection: Connection
  readonly #exporter: PushMetricExporter
  readonly #reader: OnDemandReader
  readonly #timeoutMs: number
  #metrics: readonly MetricData[] = []
  #pending: Promise<void> = Promise.resolve()

  constructor({ config, resource, version }: WorkerStart, exporter: (connection: Connection) => PushMetricExporter) {
    this.#timeoutMs = config.timeoutMs
    this.#responses = new ResponseWatcher(config.headers)
    this.#connection = new Connection(config)
    this.#exporter = exporter(this.#connection)
    const collect = async (): Promise<CollectionResult> => ({
      errors: [],
      resourceMetrics: {
        resource: resourceFromAttributes({}), // the SDK replaces it by its own
        scopeMetrics: [{ scope: { name: 'weir', version }, metrics: [...this.#metrics] }],
      },
    })
    this.#reader = new OnDemandReader({ metricProducers: [{ collect }] })
    const sdk = new NodeSDK({
      autoDetectResources: false,
      resource: defaultResource().merge(resourceFromAttributes(resource)),
      instrumentations: [],
      // Without these empty lists the SDK would send traces and logs as well.
      spanProcessors: [],
      logRecordProcessors: [],
      textMapPropagator: null,
      contextManager: null as never,
      metricReaders: [this.#reader],
      views: [],
    })
    sdk.start()
    const warn = (message: string, ...more: unknown[]): void => this.#responses.readLog(message, ...more)
    const ignore = (): void => undefined
    diag.setLogger({ error: ignore, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
  }

  /** Reads the certificates again. Throws when one cannot be read. */
  renew(): void {
    this.#connection.renew()
  }

  /** Sends one batch, within `withinMs`. */
  async send(metrics: readonly MetricData[], withinMs: number): Promise<ReceiverResponse> {
    const until = performance.now() + Math.min(withinMs, this.#timeoutMs + GRACE_MS)
    // The outcome of a request that we aborted must not be taken for that of this one.
    if (!(await resolvesWithin(this.#pending, until - performance.now())))
      return this.#responses.responseTo(NO_RESPONSE, true)
    this.#metrics = metrics
    const { resourceMetrics } = await this.#reader.collect()
    this.#responses.start()
    this.#connection.open()
    let result: ExportResult | undefined
    this.#pending = this.#export(resourceMetrics).then(reported => {
      result = reported
    })
    if (await resolvesWithin(this.#pending, until - performance.now()))
      return this.#responses.responseTo(result!, false)
    this.#connection.cut()
    return this.#responses.responseTo(NO_RESPONSE, true)
  }

  #export(metrics: ResourceMetrics): Promise<ExportResult> {
    return new Promise(resolve => this.#exporter.export(metrics, resolve))
  }
}

/** Loads the exporter of the configured protocol only. */
export async function exporterOf(config: OtlpConfig): Promise<(connection: Connection) => PushMetricExporter> {
  const { OTLPMetricExporter } =
    config.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-metrics-otlp-http')
      : await import('@opentelemetry/exporter-metrics-otlp-proto')
  const { url, headers, timeoutMs, compression } = config
  return ({ agent }) =>
    new OTLPMetricExporter({
      url,
      headers: { ...headers },
      timeoutMillis: timeoutMs,
      compression: compression as never,
      httpAgentOptions: () => agent as never,
      userAgent: 'weir',
    })
}
