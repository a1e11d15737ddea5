/**
 * openmetrics.ts - a strict parser of OpenMetrics 1.0.0, to check the writer against.
 *
 * In:    a page.
 * Out:   its families in order, each with its samples.
 * Fail:  an Error that names the line, for everything the specification forbids, even where Prometheus accepts it. Types that
 *        Weir never exposes (info, stateset, summary, gaugehistogram) are rejected as well.
 *
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */

export interface OpenExemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly timestamp?: number
}

export interface OpenSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar?: OpenExemplar
}

export interface OpenFamily {
  readonly name: string
  type: string
  unit?: string
  help?: string
  readonly samples: OpenSample[]
}

/** The suffixes that samples of each type must have. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  unknown: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
}
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HEAD = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`, 's')
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{((?:[^"}]|"(?:[^"\\\\]|\\\\.)*")*)\\})? (\\S+)(?: # \\{(.*)\\} (\\S+)(?: (\\S+))?)?$`,
  's',
)
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,(?=.)|$)/sy
const REAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

export function parseOpenMetrics(page: string): OpenFamily[] {
  if (!page.endsWith('# EOF\n')) throw new Error(`the page does not end with # EOF: ${JSON.stringify(page.slice(-40))}`)
  const families: OpenFamily[] = []
  const seen = new Set<string>()
  for (const line of page.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    if (line === '') throw new Error('a line is empty')
    if (line.startsWith('#')) readHead(line, families, seen)
    else families.at(-1)?.samples.push(readSample(line, families.at(-1)))
  }
  for (const family of families) checkFamily(family)
  checkClashes(families)
  return families
}

function readHead(line: string, families: OpenFamily[], seen: Set<string>): void {
  const found = HEAD.exec(line)
  if (found === null) throw new Error(`not HELP, TYPE or UNIT: ${line}`)
  const [, word, name, text] = found as unknown as [string, string, string, string]
  if (families.at(-1)?.name !== name) {
    if (seen.has(name)) throw new Error(`the family is interrupted: ${line}`)
    seen.add(name)
    families.push({ name, type: 'unknown', samples: [] })
  }
  const family = families.at(-1)!
  if (family.samples.length > 0) throw new Error(`after the family's samples: ${line}`)
  if (seen.has(`${word} ${name}`)) throw new Error(`given twice: ${line}`)
  seen.add(`${word} ${name}`)
  if (word === 'TYPE') {
    if (SUFFIXES[text] === undefined) throw new Error(`type: ${line}`)
    family.type = text
  } else if (word === 'UNIT') {
    if (!name.endsWith(`_${text}`)) throw new Error(`the name does not end in the unit: ${line}`)
    family.unit = text
  } else {
    family.help = unescaped(text, line)
  }
}

function readSample(line: string, family: OpenFamily | undefined): OpenSample {
  const found = SAMPLE.exec(line)
  if (found === null) throw new Error(`not a sample: ${line}`)
  const [, name, labels, value, exemplarLabels, exemplarValue, timestamp] = found
  if (family === undefined) throw new Error(`before any family: ${line}`)
  const suffix = SUFFIXES[family.type]!.find(each => family.name + each === name)
  if (suffix === undefined) throw new Error(`no sample of the ${family.type} ${family.name}: ${line}`)
  const sample = { name: name!, labels: labelsOf(labels ?? '', line), value: numberOf(value!, line) }
  if ((suffix === '_total' || suffix === '_bucket' || suffix === '_count') && !(sample.value >= 0)) {
    throw new Error(`less than 0: ${line}`)
  }
  if (exemplarLabels === undefined) return sample
  if (suffix !== '_bucket' && suffix !== '_total') throw new Error(`an exemplar is not allowed here: ${line}`)
  return { ...sample, exemplar: exemplarOf(exemplarLabels, exemplarValue!, timestamp, line) }
}

function exemplarOf(text: string, value: string, timestamp: string | undefined, line: string): OpenExemplar {
  const labels = labelsOf(text, line)
  const characters = Object.entries(labels).reduce((sum, pair) => sum + [...pair.join('')].length, 0)
  if (characters > 128) throw new Error(`${characters} characters in an exemplar: ${line}`)
  if (timestamp !== undefined && !REAL.test(timestamp)) throw new Error(`time: ${line}`)
  return { labels, value: numberOf(value, line), ...(timestamp !== undefined && { timestamp: Number(timestamp) }) }
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels = new Map<string, string>()
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text)
    if (found === null) throw new Error(`not labels: ${line}`)
    if (labels.has(found[1]!)) throw new Error(`duplicate label: ${line}`)
    labels.set(found[1]!, unescaped(found[2]!, line))
  }
  return Object.fromEntries(labels)
}

function unescaped(text: string, line: string): string {
  if (/(?<!\\)(\\\\)*"/.test(text)) throw new Error(`unescaped quote: ${line}`)
  return text.replace(/\\(.?)/g, (_, c) => {
    if (c !== 'n' && c !== '"' && c !== '\\') throw new Error(`escape: ${line}`)
    return c === 'n' ? '\n' : c
  })
}

function numberOf(text: string, line: string): number {
  if (/^[+-]Inf$/.test(text)) return text.startsWith('+') ? Infinity : -Infinity
  if (text === 'NaN') return Number.NaN
  if (!REAL.test(text)) throw new Error(`not a number: ${line}`)
  return Number(text)
}

/** Samples of one label set are adjacent and distinct, and a histogram's buckets ascend to +Inf. */
function checkFamily({ name, type, samples }: OpenFamily): void {
  const groups = new Map<string, OpenSample[]>()
  let last: string | undefined
  for (const sample of samples) {
    const { le: _, ...rest } = sample.labels
    const key = JSON.stringify(Object.entries(rest).sort())
    if (key !== last && groups.has(key)) throw new Error(`${name}${key}: samples of a series are not adjacent`)
    last = key
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  for (const [key, group] of groups) {
    const names = group.map(sample => `${sample.name} ${sample.labels.le ?? ''}`)
    if (new Set(names).size !== names.length) throw new Error(`${name}${key}: duplicate sample`)
    if (type === 'counter' && group[0]!.name !== `${name}_total`) throw new Error(`${name}${key}: no total`)
    if (type === 'histogram') checkHistogram(name, key, group)
  }
}

function checkHistogram(name: string, key: string, group: readonly OpenSample[]): void {
  const buckets = group.filter(sample => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels, name: sample }) => numberOf(labels.le ?? 'no le', `${sample}${key}`))
  const ascends = (numbers: readonly number[], strictly: boolean) =>
    numbers.every((n, i) => i === 0 || (strictly ? n > numbers[i - 1]! : n >= numbers[i - 1]!))
  if (!ascends(bounds, true)) throw new Error(`${name}${key}: bounds do not ascend`)
  if (bounds.at(-1) !== Infinity) throw new Error(`${name}${key}: no bucket +Inf`)
  if (
    !ascends(
      buckets.map(({ value }) => value),
      false,
    )
  )
    throw new Error(`${name}${key}: buckets are not cumulative`)
  const count = group.find(sample => sample.name === `${name}_count`)
  if (count?.value !== buckets.at(-1)!.value) throw new Error(`${name}${key}: _count is not the last bucket`)
  for (const { exemplar, labels } of buckets) {
    if (exemplar !== undefined && exemplar.value > Number(labels.le === '+Inf' ? Infinity : labels.le)) {
      throw new Error(`${name}${key}: an exemplar is above its bucket's bound`)
    }
  }
}

/** No sample name of a family may be a sample or family name of another. */
function checkClashes(families: readonly OpenFamily[]): void {
  const owners = new Map<string, string>()
  for (const { name, type } of families) {
    for (const used of new Set([name, ...SUFFIXES[type]!.map(suffix => name + suffix)])) {
      const other = owners.get(used)
      if (other !== undefined) throw new Error(`${used} belongs to both ${other} and ${name}`)
      owners.set(used, name)
    }
  }
}
