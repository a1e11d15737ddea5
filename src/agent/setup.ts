// SPDX-License-Identifier: Apache-2.0
/**
 * setup.ts - the parts of `weir run` that exist before its source: files are read and checked, nothing is attached.
 *
 * Fail:  an invalid inventory file, web config file or metrics configuration is thrown.
 */
import { defaultInventory, type Inventory, parseInventory, readInventory } from '../datapath/inventory/inventory.js'
import type { Collecting } from '../exporter/http/collect.js'
import { LogLimit } from '../lib/log-limit.js'
import type { ListenerOptions } from '../web/listener.js'
import { createExporter, type Exporter } from './exporter.js'
import { FlowApi } from './flow-api.js'
import type { Log } from './log.js'
import type { RunOptions } from './options/run-options.js'
import type { InventoryFile } from './reload/inventory-file.js'
import { SeriesExpiry } from './series-expiry.js'
import { listenerOptions } from './web-listener.js'

export interface Setup {
  readonly options: RunOptions
  readonly exporter: Exporter
  readonly inventoryFile: InventoryFile | undefined
  readonly series: SeriesExpiry
  readonly web: ListenerOptions
  /** Absent if the flow API is disabled. */
  readonly api: FlowApi | undefined
  readonly log: Log
  /** For lines that a peer or a failing system call can cause repeatedly. */
  readonly limit: LogLimit
}

export function setUp(options: RunOptions, log: Log): Setup {
  const { source, hubbleMetrics, cidrGroups, entityTtlMs } = options
  const inventoryFile = readInventoryFile(options.inventoryFile)
  const inventory = options.inventory ?? inventoryOf(inventoryFile)
  const exporter = createExporter(inventory, source.kind === 'live', { hubbleMetrics, cidrGroups, ttlMs: entityTtlMs })
  // Before the source starts, so that the kernel defers counts of private addresses until the cluster has named them.
  if (options.kubernetes !== undefined) exporter.entities.expectNames()
  const limit = new LogLimit(log)
  return {
    options,
    exporter,
    inventoryFile,
    series: new SeriesExpiry(exporter, options.metrics),
    web: listenerOptions(options.webFile, exporter.store, limit),
    api: FlowApi.of(options),
    log,
    limit,
  }
}

/** The store of the exporter, with a function that brings it up to date. */
export function collectingOf({ exporter, limit }: Setup, collect: () => void): Collecting {
  const { store } = exporter
  return { store, collect, onCollectError: error => limit.error({ err: error.message }, 'collect failed') }
}

function readInventoryFile(path: string | undefined): InventoryFile | undefined {
  return path === undefined ? undefined : { path, text: readInventory(path) }
}

function inventoryOf(file: InventoryFile | undefined): Inventory {
  return file === undefined ? defaultInventory() : parseInventory(file.text, file.path)
}
