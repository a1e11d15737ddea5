// SPDX-License-Identifier: Apache-2.0
/**
 * packed-changes.ts - packs a batch of changes for another thread: each text once, everything else as integers.
 *
 * In:    EntityChanges of a few hundred entries.
 * Out:   the same changes in the other thread, where equal labels share one string. A structured clone of the objects themselves
 *        takes three times as long on either side.
 */
import {
  ENDPOINT_KINDS,
  type EndpointFacts,
  type EntityChanges,
  type IdentityFacts,
  type ServicePort,
} from '../../datapath/identity/entity-changes.js'
import type { Workload } from '../../datapath/identity/workload.js'
import type { Interner } from '../object/interner.js'

export interface PackedChanges {
  readonly texts: readonly string[]
  readonly words: Int32Array<ArrayBuffer>
  readonly synced: boolean
}

const PROTOCOLS: readonly ServicePort['protocol'][] = ['TCP', 'UDP', 'SCTP']
/** How Hubble's workload is encoded. */
const Hubble = { same: 0, none: 1, other: 2 } as const

export function pack({ identities, removals, upserts, forgotten, synced }: EntityChanges): PackedChanges {
  const into = new Packer()
  into.each(identities, ({ identity, labels }) => {
    into.word(identity)
    into.each(labels, label => into.text(label))
  })
  into.each(removals, key => into.text(key))
  into.each(upserts, facts => packFacts(facts, into))
  into.each(forgotten, identity => into.word(identity))
  return { ...into.packed(), synced }
}

/** `interner`: of the receiving thread, for labels, which it stores as they arrive. */
export function unpack(packed: PackedChanges, interner: Interner): EntityChanges {
  const from = new Unpacker(packed)
  const label = () => interner.of(from.text())
  const identities = from.each((): IdentityFacts => ({ identity: from.number(), labels: from.each(label) }))
  const removals = from.each(() => from.text())
  const upserts = from.each(() => unpackFacts(from))
  return { identities, removals, upserts, forgotten: from.each(() => from.number()), synced: packed.synced }
}

function packFacts(facts: EndpointFacts, into: Packer): void {
  into.text(facts.key)
  into.word(ENDPOINT_KINDS.indexOf(facts.kind))
  into.each(facts.ips, ip => into.text(ip))
  into.each(facts.prefixes, prefix => into.text(prefix))
  into.text(facts.namespace)
  into.text(facts.pod)
  into.workload(facts.workload)
  packHubble(facts, into)
  for (const name of [facts.app, facts.service, facts.node, facts.zone]) into.text(name)
  into.word(facts.identity)
  into.word(Number(facts.local))
  into.word(facts.endpoint)
  into.each(facts.ports, ({ protocol, port }) => {
    into.word(PROTOCOLS.indexOf(protocol))
    into.word(port)
  })
}

function packHubble({ hubbleWorkload }: EndpointFacts, into: Packer): void {
  into.word(hubbleWorkload === undefined ? Hubble.same : hubbleWorkload === null ? Hubble.none : Hubble.other)
  if (hubbleWorkload) into.workload(hubbleWorkload)
}

/** Reads in the order of packFacts(). */
function unpackFacts(from: Unpacker): EndpointFacts {
  const key = from.text()
  const kind = ENDPOINT_KINDS[from.word()]!
  const ips = from.each(() => from.text())
  const prefixes = from.each(() => from.text())
  const [namespace, pod, workload] = [from.text(), from.text(), from.workload()]
  const hubble = from.word()
  const hubbleWorkload = hubble === Hubble.other ? (from.workload() ?? null) : null
  const [app, service, node, zone] = [from.text(), from.text(), from.text(), from.text()]
  const [identity, local, endpoint] = [from.number(), from.word() === 1, from.word()]
  const ports = from.each(() => ({ protocol: PROTOCOLS[from.word()]!, port: from.word() }))
  const where = { key, kind, ips, prefixes, identity, local, endpoint, ports }
  const names = { namespace, pod, workload, app, service, node, zone }
  return hubble === Hubble.same ? { ...where, ...names } : { ...where, ...names, hubbleWorkload }
}

class Packer {
  readonly #numbers = new Map<string, number>()
  readonly #words: number[] = []

  word(word: number): void {
    this.#words.push(word)
  }

  text(text: string): void {
    const number = this.#numbers.get(text) ?? this.#numbers.size
    if (number === this.#numbers.size) this.#numbers.set(text, number)
    this.#words.push(number)
  }

  workload(workload: Workload | undefined): void {
    this.word(workload === undefined ? 0 : 1)
    if (workload === undefined) return
    this.text(workload.kind ?? '')
    this.text(workload.name ?? '')
  }

  each<Item>(items: readonly Item[], one: (item: Item) => void): void {
    this.word(items.length)
    for (const item of items) one(item)
  }

  packed(): Pick<PackedChanges, 'texts' | 'words'> {
    return { texts: [...this.#numbers.keys()], words: Int32Array.from(this.#words) }
  }
}

class Unpacker {
  readonly #texts: readonly string[]
  readonly #words: Int32Array
  #at = 0

  constructor({ texts, words }: PackedChanges) {
    this.#texts = texts
    this.#words = words
  }

  word(): number {
    return this.#words[this.#at++]!
  }

  /** A word without a sign: an identity has 32 bits. */
  number(): number {
    return this.word() >>> 0
  }

  text(): string {
    return this.#texts[this.word()]!
  }

  workload(): Workload | undefined {
    return this.word() === 0 ? undefined : { kind: this.text(), name: this.text() }
  }

  each<Item>(one: () => Item): Item[] {
    const items: Item[] = []
    for (let left = this.word(); left > 0; left--) items.push(one())
    return items
  }
}
