/**
 * kernel-reasons.ts - the drop reasons of the kernel that runs here.
 */

import { KernelReasons } from '../../datapath/record/reasons.js'
import { loadNative } from '../../datapath/source/native.js'

/** A recording may be read where there is no kernel to ask: then, unless `needed`, its reasons stay numbers. */
export function kernelReasons(needed: boolean): KernelReasons {
  try {
    return new KernelReasons(loadNative().kernelEnum('skb_drop_reason'))
  } catch (error) {
    if (needed) throw error
    return new KernelReasons([])
  }
}
