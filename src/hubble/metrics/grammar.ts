/**
 * grammar.ts - Hubble's static list: `drop:sourceContext=pod|dns;labelsContext=source_ip tcp flow`.
 *
 * In:    metrics between spaces; behind a colon options between semicolons; behind `=` values between vertical bars,
 *        or between commas where there is no bar (cilium/cilium pkg/hubble/metrics/api).
 * Out:   a MetricConfig each, not yet checked: compile.ts does that for this list and for YAML alike.
 */
import { ConfigError, type MetricConfig, type OptionConfig } from './config.js'

/** Throws a ConfigError where there is no metric at all, or an option without a name. */
export function parseStatic(text: string): MetricConfig[] {
  const words = text.split(/\s+/).filter(word => word !== '')
  if (words.length === 0) throw new ConfigError('no metric is named; expected a list such as "drop tcp flow"')
  return words.map(word => {
    const colon = word.indexOf(':')
    if (colon < 0) return { name: word, options: [] }
    return { name: word.slice(0, colon), options: parseOptions(word.slice(0, colon), word.slice(colon + 1)) }
  })
}

function parseOptions(metric: string, text: string): OptionConfig[] {
  const options: OptionConfig[] = []
  for (const part of text.split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    if (name === '') throw new ConfigError(`${metric}: "${part}" has no option before its "="`)
    options.push({ name, values: equals < 0 ? [] : parseValues(part.slice(equals + 1)) })
  }
  return options
}

function parseValues(text: string): string[] {
  return text.split(text.includes('|') ? '|' : ',')
}
