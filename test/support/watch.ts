/**
 * watch.ts - a lab, and Weir started on it as often as a test wants; both gone when the test is over.
 *
 * Labs of a test file share a network, which no other file has: drops are counted on the whole machine.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Lab } from '../../src/lab/lab.js'
import type { PodSpec } from '../../src/lab/plan.js'
import { startWeir, type WeirProcess } from './weir-process.js'

export const ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }

/** Pods `namespace/name`, each its own workload. */
export async function labOf(t: Test, network: number, pods: readonly string[]): Promise<Lab> {
  const lab = await Lab.create(pods.map(podSpec), { network })
  t.teardown(() => lab.destroy())
  return lab
}

export function podSpec(path: string): PodSpec {
  const [namespace = '', name = ''] = path.split('/')
  return { name, namespace, workload: name }
}

/** Writes an inventory, the lab's by default; returns the file's path. */
export function inventoryFile(t: Test, lab: Lab, inventory: object = lab.inventory()): string {
  const file = join(t.testdir({}), 'inventory.json')
  writeFileSync(file, JSON.stringify(inventory))
  return file
}

/** Start Weir on a lab. */
export async function watch(t: Test, lab: Lab, ...args: string[]): Promise<WeirProcess> {
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', inventoryFile(t, lab), ...args])
  t.teardown(() => weir.stop('SIGKILL'))
  return weir
}
