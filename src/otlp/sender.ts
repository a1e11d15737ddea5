/**
 * sender.ts - the SDK's part: NodeSDK with one reader that is asked, one producer, and OTLP's exporter behind them.
 *
 * In:    batches, one at a time.
 * Out:   answers. A request is repeated by the SDK within its timeout where the protocol allows it.
 * Never: sends traces or logs, nor heeds OTEL_* variables: the worker's environment has none.
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
import type { OtlpConfig } from './config.js'
import { Connection } from './connection.js'
import type { WorkerStart } from './message.js'
import { type Answer, Answers } from './response.js'

/** The SDK gives up by itself first, when its server is only silent. */
const GRACE_MS = 200
const GIVEN_UP: ExportResult = { code: ExportResultCode.FAILED, error: new Error('no answer in time') }

/** Collects when it is asked to; nothing here runs by a timer. */
class AskedReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export class Sender {
  readonly #answers = new Answers()
  readonly #connection: Connection
  readonly #exporter: PushMetricExporter
  readonly #reader: AskedReader
  readonly #sdk: NodeSDK
  readonly #timeoutMs: number
  #metrics: readonly MetricData[] = []
  #pending: Promise<void> = Promise.resolve()

  constructor({ config, resource, version }: WorkerStart, exporter: (connection: Connection) => PushMetricExporter) {
    this.#timeoutMs = config.timeoutMs
    this.#connection = new Connection(config)
    this.#exporter = exporter(this.#connection)
    const collect = async (): Promise<CollectionResult> => ({
      errors: [],
      resourceMetrics: {
        resource: resourceFromAttributes({}), // the SDK puts its own in its place
        scopeMetrics: [{ scope: { name: 'weir', version }, metrics: [...this.#metrics] }],
      },
    })
    this.#reader = new AskedReader({ metricProducers: [{ collect }] })
    this.#sdk = new NodeSDK({
      autoDetectResources: false,
      resource: defaultResource().merge(resourceFromAttributes(resource)),
      instrumentations: [],
      // Empty lists, or the SDK would send traces and logs as well.
      spanProcessors: [],
      logRecordProcessors: [],
      textMapPropagator: null,
      contextManager: null as never,
      metricReaders: [this.#reader],
      views: [],
    })
    this.#sdk.start()
    const warn = (message: string, ...more: unknown[]): void => this.#answers.heedLog(message, ...more)
    const ignore = (): void => undefined
    diag.setLogger({ error: ignore, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
  }

  /** Certificates may have been renewed. Throws when one cannot be read. */
  renew(): void {
    this.#connection.renew()
  }

  /** Send one batch; it takes no longer than `withinMs`. */
  async send(metrics: readonly MetricData[], withinMs: number): Promise<Answer> {
    const until = performance.now() + Math.min(withinMs, this.#timeoutMs + GRACE_MS)
    // What the SDK makes of a request that we gave up must not mix with this one.
    if (!(await within(this.#pending, until))) return this.#answers.of(GIVEN_UP, true)
    this.#metrics = metrics
    const { resourceMetrics } = await this.#reader.collect()
    this.#answers.begin()
    this.#connection.open()
    let result: ExportResult | undefined
    this.#pending = this.#export(resourceMetrics).then(told => {
      result = told
    })
    if (await within(this.#pending, until)) return this.#answers.of(result!, false)
    this.#connection.cut()
    return this.#answers.of(GIVEN_UP, true)
  }

  async close(): Promise<void> {
    this.#connection.cut()
    await this.#sdk.shutdown()
  }

  #export(metrics: ResourceMetrics): Promise<ExportResult> {
    return new Promise(resolve => this.#exporter.export(metrics, resolve))
  }
}

/** Whether a promise is kept in time. */
async function within(promise: Promise<void>, until: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, Math.max(0, until - performance.now()), false)
  })
  const kept = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return kept
}

/** The exporter of a protocol; only that one is loaded. */
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
