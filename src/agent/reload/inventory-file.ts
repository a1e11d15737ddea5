/**
 * inventory-file.ts - reloads the inventory file when it changes.
 *
 * In:    a path, the text that is in effect, and a function that switches to a new inventory.
 * Out:   a changed file takes effect within seconds or on a reload; the result is logged and shows in the reload metrics.
 * Fail:  a missing, empty or invalid file is reported once, and the previous inventory stays.
 * Never: reads anything but a regular file again: a pipe would block.
 */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { type Inventory, parseInventory, readInventory } from '../../datapath/inventory/inventory.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import type { Log } from '../log.js'
import { ReloadStatus } from './reload-status.js'

export interface InventoryFile {
  readonly path: string
  /** The text that is in effect. */
  readonly text: string
}

/** Switches to an inventory; returns fields for the log line. */
export type SwitchInventory = (inventory: Inventory) => Readonly<Record<string, number>>

const INTERVAL_MS = 2000
const METRICS = { successful: M.inventoryReloadSuccessful, time: M.inventoryReloadTime, reloads: M.inventoryReloads }

export class InventoryFileWatch {
  readonly #path: string
  readonly #switchInventory: SwitchInventory
  readonly #log: Log
  readonly #status: ReloadStatus
  /** Digest of the last content, or the message of the last read error. Not the content: it may be 100 MB. */
  #last: string
  /** Why the last content is not in effect. */
  #lastError: Error | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ path, text }: InventoryFile, switchInventory: SwitchInventory, store: SeriesStore, log: Log) {
    this.#path = path
    this.#switchInventory = switchInventory
    this.#log = log
    this.#last = digest(text)
    this.#status = new ReloadStatus(store, METRICS)
  }

  /** Checks the file every few seconds; does not keep the process alive. */
  start(intervalMs = INTERVAL_MS): void {
    if (isIrregular(this.#path)) return
    this.#timer = setInterval(() => this.check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Applies the file now if its content has changed, whatever its modification time. */
  check(): void {
    const apply = this.prepare()
    if (!(apply instanceof Error)) apply()
  }

  /** Reads and checks the file without applying it. Returns a function that applies it, or the reported error. */
  prepare(): (() => void) | Error {
    let seen = ''
    try {
      const text = this.#read()
      seen = digest(text)
      // An unchanged invalid file is still an error for a reload, though reported only once.
      if (seen === this.#last) return this.#lastError ?? (() => {})
      // A file is empty when a writer has just opened it. An empty inventory is never intended.
      if (text.trim() === '') throw new Error(`inventory file ${this.#path}: is empty`)
      const inventory = parseInventory(text, this.#path)
      return () => this.#apply(inventory, seen)
    } catch (error) {
      this.#refuse(seen, error as Error)
      return error as Error
    }
  }

  #apply(inventory: Inventory, seen: string): void {
    this.#last = seen
    this.#lastError = undefined
    const fields = this.#switchInventory(inventory)
    this.#status.applied()
    this.#log.info({ file: this.#path, ...fields }, 'inventory reloaded')
  }

  #read(): string {
    if (isIrregular(this.#path)) throw new Error(`inventory file ${this.#path}: is not a regular file any more`)
    return readInventory(this.#path)
  }

  #refuse(seen: string, error: Error): void {
    const last = seen === '' ? error.message : seen
    if (last === this.#last) return
    this.#last = last
    this.#lastError = error
    this.#status.refused()
    this.#log.error({ file: this.#path, err: error.message }, 'inventory reload failed, keeping the previous one')
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Exists, but is not a regular file. */
function isIrregular(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false
}
