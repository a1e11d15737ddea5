// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-reasons.ts - the drop reasons of the running kernel.
 */
import { KernelReasons } from '../../datapath/record/reasons.js'
import { loadNative } from '../../datapath/source/native.js'
import { dropReasons } from '../../datapath/source/object.js'

/** Throws if the kernel's reasons cannot be read and are `required`. Otherwise reasons stay numbers, as for a recording read elsewhere. */
export function kernelReasons(required: boolean): KernelReasons {
  try {
    return new KernelReasons(dropReasons(loadNative()))
  } catch (error) {
    if (required) throw error
    return new KernelReasons([])
  }
}
