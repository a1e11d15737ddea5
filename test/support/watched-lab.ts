/**
 * watched-lab.ts - a lab and Weir on it, both gone when the test is over; tc filters as the kernel lists them.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Lab, type LabOptions } from '../../src/lab/lab.js'
import type { PodSpec } from '../../src/lab/plan.js'
import { must } from '../../src/lab/process.js'
import { startWeir, type WeirProcess } from './weir-process.js'

export const ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }

/** Pods `namespace/name`, each its own workload. */
export async function labOf(t: Test, pods: readonly string[], options: LabOptions = {}): Promise<Lab> {
  const lab = await Lab.create(pods.map(podSpec), options)
  t.teardown(() => lab.destroy())
  return lab
}

export function podSpec(path: string): PodSpec {
  const [namespace = '', name = ''] = path.split('/')
  return { name, namespace, workload: name }
}

/** Writes an inventory, by default the lab's; returns the path. */
export function inventoryFile(t: Test, lab: Lab, inventory: object = lab.inventory()): string {
  const file = join(t.testdir({}), 'inventory.json')
  writeFileSync(file, JSON.stringify(inventory))
  return file
}

/** Starts Weir on a lab. */
export async function watch(t: Test, lab: Lab, ...args: string[]): Promise<WeirProcess> {
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', inventoryFile(t, lab), ...args])
  t.teardown(() => weir.stop('SIGKILL'))
  return weir
}

export interface Filter {
  readonly link: string
  readonly direction: 'ingress' | 'egress'
  readonly priority: number
  readonly handle: string
  readonly program: { readonly id: number; readonly name: string }
}

/** All BPF filters on these links of the node, in the kernel's order. */
export async function filters(lab: Lab, links: readonly string[]): Promise<Filter[]> {
  const found: Filter[] = []
  for (const link of links) {
    for (const direction of ['ingress', 'egress'] as const) {
      const text = await must(['tc', '-n', lab.node.netns, '-j', 'filter', 'show', 'dev', link, direction])
      for (const { pref, options } of JSON.parse(text) as FilterRow[]) {
        if (options?.prog === undefined) continue
        found.push({ link, direction, priority: pref, handle: options.handle, program: options.prog })
      }
    }
  }
  return found
}

interface FilterRow {
  readonly pref: number
  readonly options?: { readonly handle: string; readonly prog: { readonly id: number; readonly name: string } }
}
