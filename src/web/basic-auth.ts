// SPDX-License-Identifier: Apache-2.0
/**
 * basic-auth.ts - HTTP basic authentication against bcrypt hashes.
 *
 * In:    the Authorization header, the current users.
 * Out:   'accepted', 'rejected', or 'busy' when too many passwords wait to be compared.
 * Never: stores a password: results are cached under an HMAC with a random key per process.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Bcrypt, comparisonsOf, costOf } from './bcrypt.js'

export type AuthResult = 'accepted' | 'rejected' | 'busy'

/** Separate caches: a flood of wrong passwords must not evict the scraper's right one and make it wait. */
const MAX_CORRECT = 100
const MAX_WRONG = 100

export class BasicAuth {
  readonly #bcrypt: Pick<Bcrypt, 'compare' | 'close'>
  readonly #secret = randomBytes(32)
  readonly #correct = new Set<string>()
  readonly #wrong = new Set<string>()

  constructor(bcrypt: Pick<Bcrypt, 'compare' | 'close'> = new Bcrypt()) {
    this.#bcrypt = bcrypt
  }

  async authenticate(header: string | undefined, users: ReadonlyMap<string, string>): Promise<AuthResult> {
    const given = credentialsOf(header)
    if (given === undefined) return 'rejected'
    const hash = users.get(given.user)
    const cost = Math.max(...Array.from(users.values(), costOf))
    const hashes = comparisonsOf(hash, cost)
    const key = this.#keyOf([given.user, ...hashes, given.password])
    if (this.#correct.has(key)) return 'accepted'
    if (this.#wrong.has(key)) return 'rejected'
    const matches = await this.#bcrypt.compare({ password: given.password, hashes })
    if (matches === undefined) return 'busy'
    const correct = hash !== undefined && matches
    if (correct) remember(this.#correct, key, MAX_CORRECT)
    else remember(this.#wrong, key, MAX_WRONG)
    return correct ? 'accepted' : 'rejected'
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

/** Evicts the oldest key when full. */
function remember(keys: Set<string>, key: string, max: number): void {
  if (keys.size >= max) keys.delete(keys.values().next().value!)
  keys.add(key)
}
