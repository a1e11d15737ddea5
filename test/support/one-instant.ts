/**
 * one-instant.ts - a metrics page and the links' own counters, both of the same instant.
 *
 * Out:   the page, taken between two equal readings of the counters: no packet passed while it was made. Waiting for quiet links
 *        alone is not enough: interfaces send IPv6 router solicitations and reports at times of their own.
 * Fail:  an Error if the links carry traffic during every attempt.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Lab } from '../../src/lab/lab.js'
import { type LinkCounters, quiet } from '../../src/lab/links.js'
import type { Samples } from './samples.js'
import { until } from './until.js'

export interface Instant {
  readonly samples: Samples
  /** By pod: rx came from it, tx went to it. */
  readonly links: ReadonlyMap<string, LinkCounters>
}

export async function readTogether(lab: Lab, metrics: () => Promise<Samples>): Promise<Instant> {
  await quiet(
    lab.node.netns,
    lab.pods.map(({ link }) => link),
  )
  return until('no packet passes while a page is made', async () => {
    const links = await lab.allCounters()
    const samples = await metrics()
    return isDeepStrictEqual(await lab.allCounters(), links) && { samples, links }
  })
}
