/**
 * inventory-file.ts - the inventory file of a running exporter, followed.
 *
 * In:    a path, the text that is in force; who applies another world.
 * Out:   a changed file names what comes seconds later, or at a reload; what became of it is told in log and metrics.
 * Fail:  a file that is gone, empty or wrong is told once, and the last good world stays.
 * Never: reads what is no regular file again: a pipe would block.
 */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { type Inventory, parseInventory, readInventory } from '../../datapath/inventory/inventory.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import type { Log } from '../log.js'

export interface InventoryFile {
  readonly path: string
  /** In force already. */
  readonly text: string
}

/** Applies a world; what it tells goes to the log. */
export type Rename = (inventory: Inventory) => Readonly<Record<string, number>>

const INTERVAL_MS = 2000

export class InventoryWatch {
  readonly #path: string
  readonly #rename: Rename
  readonly #store: SeriesStore
  readonly #log: Log
  readonly #reloads = { applied: 0, refused: 0 }
  /** Digest of what was seen last: a world may be a hundred megabytes. */
  #last: string
  /** Why that is not in force. */
  #lastError: Error | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ path, text }: InventoryFile, rename: Rename, store: SeriesStore, log: Log) {
    this.#path = path
    this.#rename = rename
    this.#store = store
    this.#log = log
    this.#last = digest(text)
    this.#tell(true)
  }

  /** Look every few seconds from now on; does not keep the process alive. */
  start(intervalMs = INTERVAL_MS): void {
    if (isOther(this.#path)) return
    this.#timer = setInterval(() => this.check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Look now. Content, not time, says whether it changed. */
  check(): void {
    const apply = this.prepare()
    if (!(apply instanceof Error)) apply()
  }

  /** Look now, and change nothing: what names by the file's content, or why it cannot be used, which is told already. */
  prepare(): (() => void) | Error {
    let seen = ''
    try {
      const text = this.#read()
      seen = digest(text)
      // What was refused is refused again, though told once.
      if (seen === this.#last) return this.#lastError ?? (() => {})
      // A file that is being written begins so; no world at all is never meant by a change.
      if (text.trim() === '') throw new Error(`inventory file ${this.#path}: is empty`)
      const inventory = parseInventory(text, this.#path)
      return () => this.#apply(inventory, seen)
    } catch (error) {
      this.#refused(seen, error as Error)
      return error as Error
    }
  }

  #apply(inventory: Inventory, seen: string): void {
    this.#last = seen
    this.#lastError = undefined
    const change = this.#rename(inventory)
    this.#reloads.applied++
    this.#tell(true)
    this.#log.info({ file: this.#path, ...change }, 'inventory reloaded')
  }

  #read(): string {
    if (isOther(this.#path)) throw new Error(`inventory file ${this.#path}: is no regular file any more`)
    return readInventory(this.#path)
  }

  #refused(seen: string, error: Error): void {
    const what = seen === '' ? error.message : seen
    if (what === this.#last) return
    this.#last = what
    this.#lastError = error
    this.#reloads.refused++
    this.#tell(false)
    this.#log.error({ file: this.#path, err: error.message }, 'inventory reload failed, keeping the previous one')
  }

  #tell(good: boolean): void {
    const store = this.#store
    store.set(store.family(M.inventoryReloadSuccessful).series([]), good ? 1 : 0)
    for (const [result, n] of Object.entries(this.#reloads)) {
      store.set(store.family(M.inventoryReloads).series([result]), n)
    }
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** There, but no regular file. */
function isOther(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false
}
