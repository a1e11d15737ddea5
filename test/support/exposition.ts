/**
 * exposition.ts - a strict parser of the Prometheus text format, to check the writer against.
 *
 * In:    text format 0.0.4.
 * Out:   samples in order, with their labels unescaped.
 * Fail:  an Error that names the line.
 */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/sy

export function parse(text: string): Sample[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line feed')
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const found = SAMPLE.exec(line)
    if (found === null) throw new Error(`not a sample: ${line}`)
    return { name: found[1]!, labels: labelsOf(found[2] ?? '', line), value: numberOf(found[3]!, line) }
  })
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: [string, string][] = []
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text)
    if (found === null) throw new Error(`not labels: ${line}`)
    labels.push([found[1]!, found[2]!.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))])
  }
  return Object.fromEntries(labels)
}

function numberOf(text: string, line: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  const value = Number(text)
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`not a number: ${line}`)
  return value
}
