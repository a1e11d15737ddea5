/**
 * selection.ts - the rows of each board that its picture shows, and the values of its variables.
 */

export interface Selection {
  readonly uid: string
  /** Titles of rows. */
  readonly rows: readonly string[]
}

/** The rows that show what each board is for, about a screen each. */
export const SELECTIONS: readonly Selection[] = [
  { uid: 'weir-overview', rows: ['Now', 'Bytes and connections', 'Top talkers'] },
  { uid: 'weir-workload', rows: ['Traffic graph', 'Peers', 'Latencies'] },
  { uid: 'weir-drops', rows: ['By namespace', 'By reason', 'By workload pair'] },
  { uid: 'weir-tcp', rows: ['Handshakes', 'Failures'] },
  { uid: 'weir-exporter', rows: ['Health', 'Cost'] },
]

/** Everything on the lab's live node. */
export const VARIABLES: Readonly<Record<string, string>> = {
  cluster: '.*',
  job: '.+',
  node: 'lab-node',
  instance: '.+',
  namespace: '.*',
  workload: '.*',
  __rate_interval: '20s',
}
