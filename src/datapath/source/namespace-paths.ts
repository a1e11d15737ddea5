// SPDX-License-Identifier: Apache-2.0
/**
 * namespace-paths.ts - where the network namespaces of pods can be entered.
 *
 * In:    the folders where container runtimes and iproute2 mount namespaces; /proc.
 * Out:   paths, and the inode number that identifies a namespace.
 */
import { readdirSync, statSync } from 'node:fs'

/** containerd, CRI-O and iproute2; Docker. */
const FOLDERS = ['/run/netns', '/run/docker/netns'] as const

/** Mounted namespaces: those of pods, with the usual runtimes. */
export function* mountedNamespaces(): Generator<string> {
  for (const folder of FOLDERS) for (const name of namesIn(folder)) yield `${folder}/${name}`
}

/** One path for each process; a look at all takes some 20 us for each. */
export function* processNamespaces(): Generator<string> {
  for (const name of namesIn('/proc')) if (/^\d+$/.test(name)) yield `/proc/${name}/ns/net`
}

/** Undefined once the process or the pod is gone. */
export function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // this runtime is not installed
  }
}
