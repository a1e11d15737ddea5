/**
 * hubble-options.ts - the flags of hubble_* metrics.
 *
 * Fail:  an unknown metric, option, context or label is wrong usage: the line names it and what is allowed.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { compileMetrics } from '../hubble/compile.js'
import { ConfigError, type MetricConfig } from '../hubble/config.js'
import { parseStatic } from '../hubble/grammar.js'

export interface HubbleFlags {
  readonly hubbleMetrics?: readonly MetricConfig[]
}

export function addHubbleFlags(command: Command): Command {
  return command.option(
    '--hubble-metrics <list>',
    'hubble_* metrics to keep, as Hubble takes them, e.g. "drop tcp flow:sourceContext=pod|dns;labelsContext=source_ip"',
    metricList,
  )
}

/** Flags to the options of `run` and `metrics`. */
export function hubbleOptions({ hubbleMetrics }: HubbleFlags): HubbleFlags {
  return hubbleMetrics === undefined ? {} : { hubbleMetrics }
}

function metricList(text: string): readonly MetricConfig[] {
  try {
    const configs = parseStatic(text)
    compileMetrics(configs)
    return configs
  } catch (error) {
    if (error instanceof ConfigError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}
