/**
 * basic-auth.ts - HTTP basic authentication against bcrypt hashes.
 *
 * In:    the Authorization header, the users in force.
 * Out:   'in', 'out', or 'busy' when too many passwords are being compared.
 * Never: keeps a password: answers are remembered under a digest keyed anew in each process.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Bcrypt, comparisonsOf, costOf } from './bcrypt.js'

export type Entry = 'in' | 'out' | 'busy'

/** Right ones are few, and a flood of wrong ones must not push them out: then the scraper would wait behind it. */
const MAX_CORRECT = 100
const MAX_WRONG = 100

export class BasicAuth {
  readonly #bcrypt: Pick<Bcrypt, 'compare' | 'close'>
  readonly #secret = randomBytes(32)
  readonly #right = new Set<string>()
  readonly #wrong = new Set<string>()

  constructor(bcrypt: Pick<Bcrypt, 'compare' | 'close'> = new Bcrypt()) {
    this.#bcrypt = bcrypt
  }

  async enter(header: string | undefined, users: ReadonlyMap<string, string>): Promise<Entry> {
    const given = credentialsOf(header)
    if (given === undefined) return 'out'
    const hash = users.get(given.user)
    const cost = Math.max(...Array.from(users.values(), costOf))
    const hashes = comparisonsOf(hash, cost)
    const key = this.#keyOf([given.user, ...hashes, given.password])
    if (this.#right.has(key)) return 'in'
    if (this.#wrong.has(key)) return 'out'
    const fits = await this.#bcrypt.compare({ password: given.password, hashes })
    if (fits === undefined) return 'busy'
    const right = hash !== undefined && fits
    if (right) remember(this.#right, key, MAX_CORRECT)
    else remember(this.#wrong, key, MAX_WRONG)
    return right ? 'in' : 'out'
  }

  close(): void {
    this.#bcrypt.close()
  }

  #keyOf(parts: readonly string[]): string {
    return createHmac('sha256', this.#secret).update(JSON.stringify(parts)).digest('base64')
  }
}

/** RFC 7617. */
function credentialsOf(header: string | undefined): { user: string; password: string } | undefined {
  const found = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header ?? '')
  if (found === null) return undefined
  const pair = Buffer.from(found[1]!, 'base64').toString()
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : { user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

/** The oldest makes room. */
function remember(keys: Set<string>, key: string, most: number): void {
  if (keys.size >= most) keys.delete(keys.values().next().value!)
  keys.add(key)
}
