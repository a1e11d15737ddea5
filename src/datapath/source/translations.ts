// SPDX-License-Identifier: Apache-2.0
/**
 * translations.ts - answers the connections that ask for the translation of their peer (bpf/untranslated.h).
 *
 * In:    the kernel's table `untranslated`; conntrack; the entities.
 * Out:   the peer's own address, its names and the Service, written back to the table. The next flush takes them.
 *        Answers that no connection took, because it got the translation from a packet or was deleted, are removed.
 * Fail:  answer() throws conntrack's error, after every connection got the answer that there is no translation.
 */
import type { Entities } from '../identity/entities.js'
import { FLOW_KEY, Hook, TRANSLATION, TranslationState } from '../record/abi.js'
import { Protocol } from '../record/protocol.js'
import type { Conntrack, ConntrackEntry, Tuple } from './conntrack.js'
import { writeInfo } from './ip-cache.js'
import type { BpfObject } from './native.js'

const TABLE = 'untranslated'
/** max_entries of the table. */
const ENTRIES = 4096
const ENTRY = FLOW_KEY.size + TRANSLATION.size

/** Protocols that kube-proxy translates. */
const PORTS: ReadonlySet<number> = new Set([Protocol.tcp, Protocol.udp, Protocol.sctp])

/** A connection that asks: the packets from the interface's other side to the peer. */
interface Question {
  readonly key: Uint8Array
  readonly toPeer: Tuple
}

export class Translations {
  readonly #object: BpfObject
  readonly #open: () => Conntrack
  #conntrack: Conntrack | undefined
  readonly #entities: Entities
  readonly #table = new Uint8Array(ENTRIES * ENTRY)

  /** `open`: opens conntrack when the first connection asks. */
  constructor(object: BpfObject, open: () => Conntrack, entities: Entities) {
    this.#object = object
    this.#open = open
    this.#entities = entities
  }

  answer(): void {
    const questions = this.#questions()
    if (questions.length === 0) return
    let entries: (ConntrackEntry | undefined)[] = []
    try {
      this.#conntrack ??= this.#open()
      const asked = questions.filter(({ toPeer }) => PORTS.has(toPeer.proto))
      const found = this.#conntrack.ask(asked.map(({ toPeer }) => toPeer))
      const entryOf = new Map(asked.map((question, i) => [question, found[i]]))
      entries = questions.map(question => entryOf.get(question))
    } finally {
      const keys = new Uint8Array(questions.length * FLOW_KEY.size)
      const values = new Uint8Array(questions.length * TRANSLATION.size)
      questions.forEach((question, i) => {
        keys.set(question.key, i * FLOW_KEY.size)
        this.#write(values.subarray(i * TRANSLATION.size, (i + 1) * TRANSLATION.size), question.toPeer, entries[i])
      })
      this.#object.update(TABLE, keys, values, questions.length)
    }
  }

  close(): void {
    this.#conntrack?.close()
  }

  #questions(): Question[] {
    const entries = this.#object.read(TABLE, this.#table)
    const questions: Question[] = []
    const untaken: Uint8Array[] = []
    for (let at = 0; at < entries * ENTRY; at += ENTRY) {
      const value = at + FLOW_KEY.size
      const key = this.#table.slice(at, value)
      if (this.#table[value + TRANSLATION.state] !== TranslationState.asked) untaken.push(key)
      else questions.push({ key, toPeer: tupleOf(key, this.#table[value + TRANSLATION.hook]!) })
    }
    if (untaken.length > 0) this.#object.remove(TABLE, Buffer.concat(untaken), untaken.length)
    return questions
  }

  #write(to: Uint8Array, toPeer: Tuple, entry: ConntrackEntry | undefined): void {
    const view = new DataView(to.buffer, to.byteOffset, to.byteLength)
    const peer = entry && peerOf(entry, toPeer)
    if (entry === undefined || peer === undefined) {
      view.setUint8(TRANSLATION.state, TranslationState.none)
      return
    }
    const asked = this.#entities.infoAt(entry.original.dst)
    to.set(peer.addr, TRANSLATION.addr)
    writeInfo(view, TRANSLATION.info, this.#entities.infoAt(peer.addr))
    view.setUint32(TRANSLATION.service, asked.service ? asked.entity : 0, true)
    view.setUint16(TRANSLATION.port, peer.port, true)
    view.setUint8(TRANSLATION.state, TranslationState.known)
  }
}

function tupleOf(key: Uint8Array, hook: number): Tuple {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const a = { addr: key.subarray(FLOW_KEY.a, FLOW_KEY.a + 16), port: view.getUint16(FLOW_KEY.aPort, true) }
  const b = { addr: key.subarray(FLOW_KEY.b, FLOW_KEY.b + 16), port: view.getUint16(FLOW_KEY.bPort, true) }
  const [own, peer] = hook === Hook.pod ? [a, b] : [b, a]
  const proto = view.getUint8(FLOW_KEY.proto)
  return { src: own.addr, dst: peer.addr, srcPort: own.port, dstPort: peer.port, proto }
}

/** The peer after translation; undefined if it is the address in the packets. */
function peerOf({ original, reply }: ConntrackEntry, toPeer: Tuple): { addr: Uint8Array; port: number } | undefined {
  const isClient =
    isSameAddress(original.src, toPeer.src) &&
    original.srcPort === toPeer.srcPort &&
    isSameAddress(original.dst, toPeer.dst)
  const { src: addr, srcPort: port } = isClient ? reply : original
  return isSameAddress(addr, toPeer.dst) && port === toPeer.dstPort ? undefined : { addr, port }
}

function isSameAddress(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
