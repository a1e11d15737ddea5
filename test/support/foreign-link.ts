/**
 * foreign-link.ts - another owner's program at the head of a hook of a lab.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'

/** Attaches `object` (compileVerdicts, compileXdp) at the head of a hook of pod a's interface, by compileAttacher's program next to it; resolves to a function that detaches it. */
export async function attachLink(
  t: Test,
  lab: Lab,
  object: string,
  hook: 'ingress' | 'xdp' = 'ingress',
): Promise<() => Promise<void>> {
  const attached = lab.spawn('node', [join(object, '../attach-tcx'), object, lab.pod('a').link, hook, 'head'])
  const detach = async () => {
    attached.stdin?.end()
    if (attached.exitCode === null) await once(attached, 'exit')
  }
  t.teardown(detach)
  t.equal(String((await once(attached.stdout!, 'data'))[0]), 'attached\n')
  return detach
}
