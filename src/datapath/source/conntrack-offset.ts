// SPDX-License-Identifier: Apache-2.0
/**
 * conntrack-offset.ts - where conntrack's entries hold their addresses, for the programs (bpf/conntrack.h).
 *
 * In:    the BTF of the kernel or of nf_conntrack, which may be loaded after Weir's start.
 * Fail:  find() throws the kernel's error; the next call tries again.
 * Never: parses the kernel's BTF again before the module is there.
 */
import { existsSync } from 'node:fs'
import type { BpfObject, Native } from './native.js'

const MODULE_BTF = '/sys/kernel/btf/nf_conntrack'
const TABLE = '.data.conntrack'

export class ConntrackOffset {
  readonly #native: Native
  readonly #object: BpfObject
  readonly #isThere: () => boolean
  #isOver: boolean
  #isFirst = true

  /** `isThere`: whether nf_conntrack is loaded; tests replace it. */
  constructor(native: Native, object: BpfObject, isThere = () => existsSync(MODULE_BTF)) {
    this.#native = native
    this.#object = object
    this.#isThere = isThere
    this.#isOver = !native.kernelHasFunction('bpf_cast_to_kern_ctx')
  }

  /** Returns true once: from now on the programs read conntrack. */
  find(): boolean {
    if (this.#isOver) return false
    const isThere = this.#isThere()
    if (!this.#isFirst && !isThere) return false
    this.#isFirst = false
    const offset = this.#native.kernelField('nf_conn', 'tuplehash', 'nf_conntrack')
    if (offset !== undefined) this.#object.update(TABLE, bytesOf(0), bytesOf(offset), 1)
    this.#isOver = isThere || offset !== undefined
    return offset !== undefined
  }
}

function bytesOf(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}
