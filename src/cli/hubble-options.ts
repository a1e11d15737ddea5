/**
 * hubble-options.ts - the flags of hubble_* metrics.
 *
 * Fail:  an unknown metric, option, context or label is wrong usage: the line names it and what is allowed.
 */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { compileMetrics } from '../hubble/compile.js'
import { ConfigError, type MetricConfig } from '../hubble/config.js'
import { parseDynamic } from '../hubble/dynamic-document.js'
import { parseStatic } from '../hubble/grammar.js'
import { compileFilters } from '../observe/filter.js'
import type { FlowFilter } from '../observe/flow-filter.js'
import { systemWords } from './os-error.js'

/** A file of dynamic metrics as it was at the start. */
export interface HubbleFile {
  readonly path: string
  readonly text: string
  readonly metrics: readonly MetricConfig[]
}

export interface HubbleFlags {
  readonly hubbleMetrics?: readonly MetricConfig[]
  readonly hubbleDynamicMetricsConfigPath?: HubbleFile
}

export interface HubbleOptions {
  readonly hubbleMetrics?: readonly MetricConfig[]
  /** Where they came from, to be watched. */
  readonly hubbleFile?: HubbleFile
}

export function addHubbleFlags(command: Command): Command {
  return command
    .option(
      '--hubble-metrics <list>',
      'hubble_* metrics to keep, as Hubble takes them, e.g. "drop tcp flow:sourceContext=pod|dns;labelsContext=source_ip"',
      metricList,
    )
    .addOption(
      new Option(
        '--hubble-dynamic-metrics-config-path <file>',
        'the same in YAML, with filters; read again when it changes',
      )
        .argParser(metricFile)
        .conflicts('hubbleMetrics'),
    )
}

/** Flags to the options of `run` and `metrics`. */
export function hubbleOptions(flags: HubbleFlags): HubbleOptions {
  const { hubbleMetrics, hubbleDynamicMetricsConfigPath: file } = flags
  if (file !== undefined) return { hubbleMetrics: file.metrics, hubbleFile: file }
  return hubbleMetrics === undefined ? {} : { hubbleMetrics }
}

/** The metrics of a file's text; throws a ConfigError. */
export function parseHubbleFile(path: string, text: string): MetricConfig[] {
  return parseDynamic(text, path, (include, exclude) =>
    // compileFilters() refuses what is no FlowFilter.
    compileFilters(include as readonly FlowFilter[], exclude as readonly FlowFilter[]),
  )
}

function metricList(text: string): readonly MetricConfig[] {
  return allowed(() => parseStatic(text))
}

function metricFile(path: string): HubbleFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError(`${systemWords(error as Error)}.`)
  }
  return { path, text, metrics: allowed(() => parseHubbleFile(path, text)) }
}

function allowed(parse: () => MetricConfig[]): MetricConfig[] {
  try {
    const configs = parse()
    compileMetrics(configs)
    return configs
  } catch (error) {
    if (error instanceof ConfigError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}
