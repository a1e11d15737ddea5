/**
 * kernel-holdings.ts - what a process has in the kernel (BPF programs, maps, links), and what is left of it.
 *
 * In:    /proc/PID/fdinfo, which has the object of each BPF descriptor; bpftool for all objects of the machine.
 * Out:   numbers, which the kernel does not use twice in a test's life.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const TRIES = 100

export const KINDS = ['prog', 'map', 'link'] as const
export type Kind = (typeof KINDS)[number]

export interface Holdings extends Readonly<Record<Kind, ReadonlySet<number>>> {
  /** Interface numbers that its TCX links stand on, each as often as it has links there. */
  readonly interfaces: readonly number[]
  /** Open descriptors of every sort. */
  readonly descriptors: number
}

/** What a living process holds. A tc filter's program counts, as long as the process has it open. */
export function holdingsOf(pid: number): Holdings {
  const held = { prog: new Set<number>(), map: new Set<number>(), link: new Set<number>() }
  const interfaces: number[] = []
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map(fd => readInfo(`/proc/${pid}/fdinfo/${fd}`))
  for (const info of infos) {
    // A link's descriptor lists its program, too; the first object is the descriptor's own.
    const kind = (['link', 'map', 'prog'] as const).find(kind => info.has(`${kind}_id`))
    if (kind !== undefined) held[kind].add(Number(info.get(`${kind}_id`)))
    if (info.get('link_type') === 'tcx') interfaces.push(Number(info.get('ifindex')))
  }
  return { ...held, interfaces: interfaces.sort((a, b) => a - b), descriptors: infos.length }
}

/** Which of them the kernel still has, as `prog 12`. */
export function leftOf(held: Readonly<Record<Kind, ReadonlySet<number>>>): string[] {
  return KINDS.flatMap(kind => {
    const there = new Set(list(kind))
    return [...held[kind]].filter(id => there.has(id)).map(id => `${kind} ${id}`)
  })
}

/** bpftool gives up at a link that somebody is just making (EAGAIN): asked again. */
function list(kind: Kind): number[] {
  for (let left = TRIES; ; left--) {
    const { status, stdout } = spawnSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8' })
    if (status === 0) return (JSON.parse(stdout) as { id: number }[]).map(({ id }) => id)
    if (left === 0) throw new Error(`bpftool ${kind} show: ${stdout}`)
  }
}

/** `name:\tvalue` lines; empty when the descriptor was closed since it was listed. */
function readInfo(file: string): Map<string, string> {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return new Map(lines.map(line => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]))
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw reason
  }
}
