/**
 * samples.ts - the samples of a scraped page, for tests to compare with what they sent.
 *
 * In:    the Prometheus text format, version 0.0.4.
 * Out:   samples by name, sums by label, histograms.
 * Fail:  an Error with the line's number and text. A name that is not on the page has no series and sums to 0.
 */

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface Histogram {
  /** Upper bound and cumulative count, ascending; the last bound is Infinity. */
  readonly buckets: readonly (readonly [le: number, count: number])[]
  readonly count: number
  readonly sum: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? +(\S+)(?: +-?\d+)?$/s
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"\s*(,|$)/y
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }
const SPECIAL: Readonly<Record<string, number>> = {
  '+Inf': Infinity,
  Inf: Infinity,
  '-Inf': -Infinity,
  NaN: Number.NaN,
}

export class Samples {
  readonly #byName = new Map<string, Sample[]>()
  readonly #types = new Map<string, string>()

  /** Parses a page. */
  static parse(text: string): Samples {
    const samples = new Samples()
    for (const [at, line] of text.split('\n').entries()) {
      try {
        samples.#parseLine(line)
      } catch (reason) {
        throw new Error(`line ${at + 1}: ${(reason as Error).message}: ${line}`)
      }
    }
    return samples
  }

  /** Every sample name on the page, including `_bucket` and the like. */
  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  /** The type from the TYPE line. */
  type(family: string): string | undefined {
    return this.#types.get(family)
  }

  /** The samples of a name that have all of these labels. */
  series(name: string, labels: Partial<Labels> = {}): readonly Sample[] {
    const required = Object.entries(labels)
    const all = this.#byName.get(name) ?? []
    return all.filter(sample => required.every(([label, value]) => sample.labels[label] === value))
  }

  /** The sum of series(); 0 if there are none. */
  sum(name: string, labels: Partial<Labels> = {}): number {
    return this.series(name, labels).reduce((total, { value }) => total + value, 0)
  }

  /** The value of the one series that matches; undefined if there is none. Throws if there are several. */
  get(name: string, labels: Partial<Labels> = {}): number | undefined {
    const found = this.series(name, labels)
    if (found.length > 1) throw new Error(`${name}${JSON.stringify(labels)} matches ${found.length} series`)
    return found[0]?.value
  }

  /** The sum of the histograms that have these labels. They must have the same buckets. */
  histogram(family: string, labels: Partial<Labels> = {}): Histogram {
    const byBound = new Map<number, number>()
    for (const { labels: own, value } of this.series(`${family}_bucket`, labels)) {
      const le = number(own.le ?? '')
      byBound.set(le, (byBound.get(le) ?? 0) + value)
    }
    const buckets = [...byBound].sort(([a], [b]) => a - b)
    return { buckets, count: this.sum(`${family}_count`, labels), sum: this.sum(`${family}_sum`, labels) }
  }

  #parseLine(line: string): void {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line)
    if (type?.[1] !== undefined && type[2] !== undefined) this.#types.set(type[1], type[2])
    if (line === '' || line.startsWith('#')) return
    const found = LINE.exec(line)
    if (found?.[1] === undefined) throw new Error('not a sample')
    const sample = { labels: parseLabels(found[2] ?? ''), value: number(found[3] ?? '') }
    const list = this.#byName.get(found[1])
    if (list === undefined) this.#byName.set(found[1], [sample])
    else list.push(sample)
  }
}

function parseLabels(text: string): Labels {
  const labels: Record<string, string> = {}
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length; ) {
    const found = LABEL.exec(text)
    if (found?.[1] === undefined || found[2] === undefined) throw new Error('malformed labels')
    if (found[1] in labels) throw new Error(`duplicate label ${found[1]}`)
    labels[found[1]] = found[2].replace(/\\[\\"n]/g, pair => ESCAPES[pair] ?? pair)
  }
  return labels
}

function number(text: string): number {
  const special = SPECIAL[text]
  if (special !== undefined) return special
  const value = Number(text)
  if (text === '' || Number.isNaN(value)) throw new Error(`'${text}' is not a number`)
  return value
}
