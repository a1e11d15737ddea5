// SPDX-License-Identifier: Apache-2.0
/**
 * names.ts - settings of names: the inventory file, CIDR groups, timeouts, table sizes.
 */
import { z } from 'zod'
import { formatPrefix, parsePrefix } from '../../lib/address.js'
import { duration } from '../duration.js'
import { integer, listOf, mapOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** What the kernel's tables and the memory of a node agent allow. */
const MAX_IDENTITIES = 4_194_304

const prefix = parsed('prefix', 'ADDRESS/BITS, like 10.0.0.0/8 or fd00::/64', word => formatPrefix(parsePrefix(word)))
const groupName = z.string().regex(/^[\w.-]{1,63}$/, { error: 'allowed: 1 to 63 letters, digits, _, . or -' })

export const names = {
  inventory: optional(path, {
    help: 'inventory file with endpoints, identities and CIDRs, JSON or YAML; reloaded when it changes',
    defaultText: 'only the host and world identities',
  }),
  'cidr-group': setting(mapOf('name', groupName, listOf(prefix)), {
    help: 'name for CIDRs, reported in place of world, e.g. office=192.0.2.0/24,198.51.100.0/24',
    default: {},
    defaultText: 'none',
  }),
  'entity-wait': setting(duration(100, MINUTE_MS), {
    help: 'longest time to defer the counts of a private address until its name is known',
    default: 5000,
  }),
  'entity-ttl': setting(duration(1000, HOUR_MS), {
    help: 'how long names of deleted entities are kept for late records',
    default: 60_000,
  }),
  identities: setting(integer(1024, MAX_IDENTITIES), {
    help: 'maximum number of addresses and prefixes in the kernel tables, about 80 B per used entry',
    default: 1_048_576,
  }),
}
