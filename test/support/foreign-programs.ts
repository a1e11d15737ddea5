/**
 * foreign-programs.ts - tc programs of another owner, compiled for a test.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

export interface Verdicts {
  /** UDP port that is dropped. */
  readonly drop: number
  /** UDP port that is redirected to the interface `target`. */
  readonly redirect: number
  readonly target: number
}

/** Compiles drop-redirect.bpf.c into `folder`; returns the path of the object. */
export function compileVerdicts(folder: string, { drop, redirect, target }: Verdicts): string {
  const path = join(folder, `verdicts-${drop}-${redirect}.o`)
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const flags = ['-g', '-O2', '-target', 'bpf', '-mcpu=v3', `-I/usr/include/${machine}-linux-gnu`]
  const knobs = [`-DDROP=${drop}`, `-DREDIRECT=${redirect}`, `-DTARGET=${target}`]
  execFileSync('clang', [...flags, ...knobs, '-c', source('drop-redirect.bpf.c'), '-o', path])
  return path
}

/** Compiles xdp-drop.bpf.c into `folder`; returns the path of the object. */
export function compileXdp(folder: string): string {
  const path = join(folder, 'xdp-drop.o')
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const flags = ['-g', '-O2', '-target', 'bpf', `-I/usr/include/${machine}-linux-gnu`]
  execFileSync('clang', [...flags, '-c', source('xdp-drop.bpf.c'), '-o', path])
  return path
}

/** Compiles update-link.c into `folder`; returns the path of the program. */
export function compileUpdater(folder: string): string {
  const path = join(folder, 'update-link')
  execFileSync('clang', ['-O2', source('update-link.c'), '-o', path, '-lbpf'])
  return path
}

/** Compiles attach-tcx.c into `folder`; returns the path of the program. */
export function compileAttacher(folder: string): string {
  const path = join(folder, 'attach-tcx')
  execFileSync('clang', ['-O2', source('attach-tcx.c'), '-o', path, '-lbpf'])
  return path
}
