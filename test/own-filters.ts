/**
 * own-filters.ts - Weir's own tc filters on a lab's node, as the kernel tells them.
 */
import type { Lab } from '../src/lab/lab.js'
import { must } from '../src/lab/process.js'

export interface OwnFilter {
  readonly link: string
  readonly direction: string
  /** Of the program. */
  readonly id: number
  readonly name: string
}

interface Row {
  readonly options?: { readonly prog?: { readonly id: number; readonly name: string } }
}

/** On every pod's link, in the kernel's order. */
export async function ownFilters(lab: Lab): Promise<OwnFilter[]> {
  const hooks = lab.pods.flatMap(({ link }) => ['ingress', 'egress'].map(direction => ({ link, direction })))
  const found = hooks.map(async ({ link, direction }) => {
    const argv = ['tc', '-n', lab.node.netns, '-j', 'filter', 'show', 'dev', link, direction]
    const programs = (JSON.parse(await must(argv)) as Row[]).flatMap(({ options }) => options?.prog ?? [])
    const own = programs.filter(({ name }) => name.startsWith('weir_'))
    return own.map(({ id, name }) => ({ link, direction, id, name }))
  })
  return (await Promise.all(found)).flat()
}
