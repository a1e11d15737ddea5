/**
 * open-connections.ts - connections open now by who has them, whatever labels and namespaces the gauge shows.
 *
 * In:    connections that come and go, by slot.
 * Out:   all of them once more, so that the gauge can be told anew when its labels, its room or namespaces change: a
 *        connection that ends after the change then leaves where it is counted, and nothing falls below 0.
 * Never: is exposed. It has a series for each pair of ends with open connections, and for others for a minute.
 */

import type { Metric } from '../catalog/metric.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore, StaleSlots } from '../series/series.js'
import type { LabelSource } from './flow-labels.js'

const METRIC: Metric = {
  name: 'open_connections',
  type: 'gauge',
  help: 'Never exposed.',
  labels: ['source', 'destination', 'reporter', 'source_ip', 'destination_ip', 'destination_port', 'protocol'],
}
/** Milliseconds that a pair without connections is kept. */
const REST_MS = 60_000

export class OpenConnections {
  readonly #store: SeriesStore
  readonly #family: Family

  constructor(store: SeriesStore) {
    this.#store = store
    this.#family = store.internalFamily(METRIC)
  }

  slot(ends: LabelSource, protocol: string): Slot {
    const { source, destination, reporter, sourceIp, destinationIp, destinationPort } = ends
    const rows = [String(source), String(destination)]
    return this.#family.series([...rows, reporter, sourceIp, destinationIp, destinationPort, protocol])
  }

  /** Tell each pair of ends that has connections open, and how many. */
  each(tell: (ends: LabelSource, protocol: string, connections: number) => void): void {
    for (let row = 0; row < this.#family.size; row++) {
      const connections = this.#store.get(this.#family.slot(row))
      if (connections === 0) continue
      const values = this.#family.labels(row).map(([, value]) => value)
      const [source, destination, reporter, sourceIp, destinationIp, destinationPort, protocol] = values as string[]
      const ends = {
        source: Number(source),
        destination: Number(destination),
        reporter: reporter as LabelSource['reporter'],
        sourceIp: sourceIp!,
        destinationIp: destinationIp!,
        destinationPort: destinationPort!,
      }
      tell(ends, protocol!, connections)
    }
  }

  expire(): StaleSlots | undefined {
    return this.#store.expire([this.#family], REST_MS)
  }
}
