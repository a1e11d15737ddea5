// SPDX-License-Identifier: Apache-2.0
/**
 * open-connections.ts - open connections by entity pair, whatever labels and namespaces the exposed gauge has.
 *
 * In:    connections opened and closed, by slot.
 * Out:   all open connections, to rebuild weir_connections_active when its labels, budget or namespace filter change. A
 *        connection closed after the change is then subtracted from the series that counts it, and no gauge falls below 0.
 * Never: is exposed. It has one series for each pair with open connections, removed a minute after the last one closes.
 */

import type { Metric } from '../catalog/metric.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore, StaleSlots } from '../series/series.js'
import type { LabelSource } from './flow-labels.js'

const METRIC: Metric = {
  name: 'open_connections',
  type: 'gauge',
  help: 'Never exposed.',
  labels: [
    'source',
    'destination',
    'source_service',
    'destination_service',
    'reporter',
    'source_ip',
    'destination_ip',
    'destination_port',
    'protocol',
  ],
}
/** How long a pair without connections stays, in milliseconds. */
const TTL_MS = 60_000

export class OpenConnections {
  readonly #store: SeriesStore
  readonly #family: Family

  constructor(store: SeriesStore) {
    this.#store = store
    this.#family = store.internalFamily(METRIC)
  }

  slot(from: LabelSource, protocol: string): Slot {
    const { source, destination, sourceService, destinationService } = from
    const { reporter, sourceIp, destinationIp, destinationPort } = from
    const entities = [source, destination, sourceService, destinationService].map(String)
    return this.#family.series([...entities, reporter, sourceIp, destinationIp, destinationPort, protocol])
  }

  /** Calls `visit` for each pair with open connections. */
  each(visit: (from: LabelSource, protocol: string, connections: number) => void): void {
    for (let series = 0; series < this.#family.size; series++) {
      const connections = this.#store.get(this.#family.slot(series))
      if (connections === 0) continue
      const values = this.#family.labels(series).map(([, value]) => value)
      const [source, destination, sourceService, destinationService] = values.map(Number)
      const [reporter, sourceIp, destinationIp, destinationPort, protocol] = values.slice(4)
      const from = {
        source: source!,
        destination: destination!,
        sourceService: sourceService!,
        destinationService: destinationService!,
        reporter: reporter as LabelSource['reporter'],
        sourceIp: sourceIp!,
        destinationIp: destinationIp!,
        destinationPort: destinationPort!,
      }
      visit(from, protocol!, connections)
    }
  }

  expire(): StaleSlots | undefined {
    return this.#store.expire([this.#family], TTL_MS)
  }
}
