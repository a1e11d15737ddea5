/**
 * names.ts - settings of who is who: the inventory file, groups of addresses, how long names wait and stay.
 */
import { z } from 'zod'
import { formatPrefix, parsePrefix } from '../../lib/address.js'
import { duration } from '../duration.js'
import { integer, listOf, mapOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** As many as the kernel's tables and a node agent's memory bear. */
const MOST_IDENTITIES = 4_194_304

const prefix = parsed('prefix', 'ADDRESS/BITS, like 10.0.0.0/8 or fd00::/64', word => formatPrefix(parsePrefix(word)))
const groupName = z.string().regex(/^[\w.-]{1,63}$/, { error: 'allowed: 1 to 63 letters, digits, _, . or -' })

export const names = {
  inventory: optional(path, {
    help: 'who is who, JSON or YAML; read again when it changes',
    defaultText: 'this host and the world',
  }),
  'cidr-group': setting(mapOf('name', groupName, listOf(prefix)), {
    help: 'a name for prefixes, instead of world: office=192.0.2.0/24,198.51.100.0/24',
    default: {},
    defaultText: 'none',
  }),
  'entity-wait': setting(duration(100, MINUTE_MS), {
    help: 'the longest that counts of a private address wait for its name',
    default: 5000,
  }),
  'entity-ttl': setting(duration(1000, HOUR_MS), {
    help: 'how long the names of what is gone stay, for records that come late',
    default: 60_000,
  }),
  identities: setting(integer(1024, MOST_IDENTITIES), {
    help: "addresses and prefixes that the kernel's tables have room for, about 80 B each when used",
    default: 1_048_576,
  }),
}
