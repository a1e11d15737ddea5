/**
 * chosen.ts - which rows of which board are in its picture, and what its variables say in it.
 */

export interface Chosen {
  readonly uid: string
  /** Titles of rows. */
  readonly rows: readonly string[]
}

/** Those that say what the board is for, about a screen of each. */
export const CHOSEN: readonly Chosen[] = [
  { uid: 'weir-overview', rows: ['Now', 'Bytes and connections', 'Top talkers', 'Drops'] },
  { uid: 'weir-workload', rows: ['Who talks to whom', 'Peers', 'Latencies'] },
  { uid: 'weir-drops', rows: ['By namespace', 'By reason', 'By workload pair'] },
  { uid: 'weir-tcp', rows: ['Handshakes', 'Failures'] },
  { uid: 'weir-itself', rows: ['Health', 'Cost'] },
]

/** All of the live node. */
export const VARIABLES: Readonly<Record<string, string>> = {
  cluster: '.*',
  job: '.+',
  node: 'lab-node',
  instance: '.+',
  namespace: '.*',
  workload: '.*',
  __rate_interval: '20s',
}
