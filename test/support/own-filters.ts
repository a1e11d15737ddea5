/**
 * own-filters.ts - Weir's own tc filters on a lab's node, as the kernel lists them.
 */
import type { Lab } from '../../src/lab/lab.js'
import { until } from './until.js'

export interface OwnFilter {
  readonly link: string
  /** `clsact/ingress` or `clsact/egress` */
  readonly hook: string
  /** Of the program. */
  readonly id: number
  readonly name: string
}

interface Row {
  readonly devname: string
  readonly kind: string
  /** Classic BPF has none. */
  readonly name?: string
  readonly id: number
}

/** On every link of the node. */
export async function ownFilters(lab: Lab): Promise<OwnFilter[]> {
  // As with kernel-holdings.ts: bpftool gives up at a link that somebody is just making.
  const { stdout } = await until('bpftool lists the filters', async () => {
    const answer = await lab.run('node', ['bpftool', '-j', 'net', 'show'])
    return answer.code === 0 && answer
  })
  const [{ tc }] = JSON.parse(stdout) as [{ tc: Row[] }]
  return tc.flatMap(({ devname, kind, id, name = '' }) =>
    name.startsWith('weir/') ? [{ link: devname, hook: kind, id, name }] : [],
  )
}
