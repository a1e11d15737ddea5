/**
 * load.ts - the time the kernel takes for the object of a start: verifier, JIT and maps, and the memory of this process for it.
 *
 * In:    root. The knobs and sizes of a start without settings; the verifier's work does not depend on them.
 * Out:   milliseconds of CPU, the median of several loads; notes have the peak of memory and the largest program.
 */
import { kernelPrograms } from '../src/datapath/source/kernel-programs.js'
import { loadNative } from '../src/datapath/source/native.js'
import { chooseRing } from '../src/datapath/source/ring.js'
import { RING_PAGES } from './datapath.js'
import { median } from './median.js'

export const name = 'load'
export const unit = 'ms'
export const limit = 2000
export const notes: string[] = []

const ROUNDS = 5
const MIB = 1024

export async function run(): Promise<number> {
  const native = loadNative()
  const { path, without } = kernelPrograms(native)
  const { knobs, sizes } = chooseRing(native, 'auto', RING_PAGES)
  const maxRssBefore = process.resourceUsage().maxRSS
  let largest = { name: '', verifiedInstructions: 0 }
  const times = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    const object = native.openObject(path, { knobs, sizes, without })
    const { user, system } = process.cpuUsage(before)
    for (const each of object.programs()) if (each.verifiedInstructions > largest.verifiedInstructions) largest = each
    object.close()
    return (user + system) / 1000
  })
  const { maxRSS } = process.resourceUsage()
  notes.push(
    `peak of memory ${((maxRSS - maxRssBefore) / MIB).toFixed(1)} MiB above the process before, ${(maxRSS / MIB).toFixed(0)} MiB in all`,
    `largest program ${largest.name}, ${largest.verifiedInstructions} instructions of the verifier`,
  )
  return median(times)
}
