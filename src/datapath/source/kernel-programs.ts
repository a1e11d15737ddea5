// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-programs.ts - which object and which of its programs the running kernel accepts.
 *
 * In:    functions in the kernel's BTF that came with a feature; never the version, because distributions backport features.
 * Out:   the object's path, the programs that flush tables and count drops, and those to leave out.
 */
import { fileURLToPath } from 'node:url'
import type { Native } from './native.js'

export const OBJECT_PATH = fileURLToPath(new URL('../../../dist/weir.bpf.o', import.meta.url))

/** For kernels whose programs cannot read conntrack. */
export const OBJECT_PATH_BEFORE_6_2 = OBJECT_PATH.replace(/\.bpf\.o$/, '-before-6.2.bpf.o')

export interface KernelPrograms {
  readonly path: string
  readonly flush: string
  readonly flushDrops: string
  /** In the order in which they run on a freed packet. */
  readonly drops: readonly string[]
  readonly without: readonly string[]
}

const FLUSH = ['weir_flush', 'weir_flush_drops'] as const
/** bpf/flush_tc.h */
const FLUSH_BY_TC = ['weir_flush_tc', 'weir_flush_drops_tc'] as const
const DROPS = ['weir_drop', 'weir_drop_nested'] as const

export function kernelPrograms(native: Pick<Native, 'kernelHasFunction'>): KernelPrograms {
  const conntrack = native.kernelHasFunction('bpf_cast_to_kern_ctx') // Linux 6.2
  // Linux 6.1: sleepable programs may use maps without preallocation, because these have an allocator of their own
  const sleepable = native.kernelHasFunction('bpf_mem_alloc_init')
  // Linux 6.1: a program is refused on a CPU where it is already active. Without the guard weir_drop sees every free.
  const guarded = native.kernelHasFunction('bpf_prog_inc_misses_counter')
  const [flush, flushDrops] = conntrack || sleepable ? FLUSH : FLUSH_BY_TC
  return {
    path: conntrack ? OBJECT_PATH : OBJECT_PATH_BEFORE_6_2,
    flush,
    flushDrops,
    drops: guarded ? DROPS : DROPS.slice(0, 1),
    without: [...(conntrack ? [] : sleepable ? FLUSH_BY_TC : FLUSH), ...(guarded ? [] : DROPS.slice(1))],
  }
}
