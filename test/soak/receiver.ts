/**
 * receiver.ts - an OTLP receiver that answers badly again and again, and sums what it has.
 *
 * In:    requests with delta temporality.
 * Out:   the number of packets received, each point once: a batch that comes again has the same times.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answer, type Behaviour, partial, type Sink, type SunkPoint, startSink } from '../support/otlp-sink.js'

/** Longer than the push waits for an answer. */
const SLOW_MS = 3000
const BAD_EVERY_MS = 4000
const COUNTED = { name: 'weir.flow.packets', verdict: 'FORWARDED', transports: ['tcp', 'udp'] } as const

const cut: Behaviour = (_, __, socket) => {
  socket.destroy()
  return false
}
/** The receiver has the batch, and the answer is lost. */
const keepAndCut: Behaviour = (_, __, socket) => {
  socket.destroy()
  return true
}
const slow: Behaviour = (response, { headers }) => {
  const type = { 'Content-Type': String(headers['content-type']) }
  void sleep(SLOW_MS).then(() => response.writeHead(200, type).end('{}'))
  return true
}
const rejectGauges: Behaviour = (response, request, socket) => {
  const gauges = request.points.filter(({ kind }) => kind === 'gauge').length
  return partial(gauges, 'no gauges today')(response, request, socket)
}
const BAD: Readonly<Record<string, Behaviour>> = {
  unavailable: answer(503),
  'unavailable, Retry-After 0': answer(503, { 'Retry-After': '0' }),
  throttled: answer(429, { 'Retry-After': '1' }),
  cut,
  'kept, then cut': keepAndCut,
  'kept, answered too late': slow,
  'partial success': rejectGauges,
}

export class Receiver {
  readonly answers = new Map<string, number>()
  readonly #sink: Sink
  readonly #timer: NodeJS.Timeout
  readonly #seen = new Set<string>()
  #packets = 0
  #repeated = 0

  private constructor(sink: Sink) {
    this.#sink = sink
    this.#timer = setInterval(() => this.#next(), BAD_EVERY_MS)
  }

  static async start(): Promise<Receiver> {
    return new Receiver(await startSink())
  }

  get url(): string {
    return this.#sink.url
  }
  /** Packets of TCP and UDP, counted once. */
  get packets(): number {
    this.#fold()
    return this.#packets
  }
  /** Points that came again. */
  get repeated(): number {
    return this.#repeated
  }
  get faults(): readonly string[] {
    return this.#sink.faults
  }

  /** From now on every request is accepted. */
  behave(): void {
    clearInterval(this.#timer)
    this.#sink.behaviours.length = 0
  }

  async close(): Promise<void> {
    this.behave()
    await this.#sink.close()
  }

  #next(): void {
    this.#fold()
    if (this.#sink.behaviours.length > 0) return
    const names = Object.keys(BAD)
    const name = names[Math.floor(Math.random() * names.length)]!
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1)
    this.#sink.behaviours.push(BAD[name]!)
  }

  /** Adds up the requests and forgets them. */
  #fold(): void {
    for (const { accepted, points } of this.#sink.requests.splice(0)) {
      if (accepted) for (const point of points.filter(isCounted)) this.#add(point)
    }
  }

  #add({ attributes, start, time, value }: SunkPoint): void {
    const key = JSON.stringify([attributes, start, time])
    if (this.#seen.has(key)) {
      this.#repeated++
      return
    }
    this.#seen.add(key)
    this.#packets += value
  }
}

function isCounted({ name, attributes }: SunkPoint): boolean {
  const transport = String(attributes['network.transport'])
  return (
    name === COUNTED.name &&
    attributes['weir.verdict'] === COUNTED.verdict &&
    COUNTED.transports.includes(transport as 'tcp')
  )
}
