// SPDX-License-Identifier: Apache-2.0
/**
 * grammar.ts - parses Hubble's static list: `drop:sourceContext=pod|dns;labelsContext=source_ip tcp flow`.
 *
 * In:    metrics separated by spaces; options follow a colon, separated by semicolons; values follow `=`, separated by
 *        vertical bars, or by commas if there is no bar (cilium/cilium pkg/hubble/metrics/api).
 * Out:   one MetricConfig for each metric, unchecked: compile.ts checks this list and YAML alike.
 */
import { ConfigError, type MetricConfig, type OptionConfig } from './config.js'

/** Throws a ConfigError if there is no metric, or an option has no name. */
export function parseStatic(text: string): MetricConfig[] {
  const words = text.split(/\s+/).filter(word => word !== '')
  if (words.length === 0) throw new ConfigError('no metric given; expected a list such as "drop tcp flow"')
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
    if (name === '') throw new ConfigError(`${metric}: "${part}" has no option name before "="`)
    options.push({ name, values: equals < 0 ? [] : parseValues(part.slice(equals + 1)) })
  }
  return options
}

function parseValues(text: string): string[] {
  return text.split(text.includes('|') ? '|' : ',')
}
