// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-file.ts - reloads the inventory file when it changes.
 *
 * In:    a path, the text that is in effect, and a function that switches to a new inventory.
 * Out:   a changed file takes effect within seconds or on a reload; the result is logged and shows in the reload metrics.
 * Fail:  a missing, empty or invalid file is reported once, and the previous inventory stays.
 */
import { type Inventory, parseInventory, readInventory } from '../../datapath/inventory/inventory.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import { type FileContent, FollowedFile } from '../../lib/followed-file.js'
import type { Log } from '../log.js'
import { ReloadStatus } from './reload-status.js'

export interface InventoryFile {
  readonly path: string
  /** The text that is in effect. */
  readonly text: string
}

/** Switches to an inventory; returns fields for the log line. */
export type SwitchInventory = (inventory: Inventory) => Readonly<Record<string, number>>

const METRICS = { successful: M.inventoryReloadSuccessful, time: M.inventoryReloadTime, reloads: M.inventoryReloads }

export class InventoryFileWatch {
  readonly #file: FollowedFile
  readonly #switchInventory: SwitchInventory
  readonly #log: Log
  readonly #status: ReloadStatus
  /** Why the last content is not in effect. */
  #lastError: Error | undefined

  constructor({ path, text }: InventoryFile, switchInventory: SwitchInventory, store: SeriesStore, log: Log) {
    this.#file = new FollowedFile(path, text, readInventory)
    this.#switchInventory = switchInventory
    this.#log = log
    this.#status = new ReloadStatus(store, METRICS)
  }

  /** Checks the file every few seconds; does not keep the process alive. */
  start(intervalMs?: number): void {
    this.#file.start(() => this.check(), intervalMs)
  }

  stop(): void {
    this.#file.stop()
  }

  /** Applies the file now if its content has changed, whatever its modification time. */
  check(): void {
    const apply = this.prepare()
    if (!(apply instanceof Error)) apply()
  }

  /** Reads and checks the file without applying it. Returns a function that applies it, or the reported error. */
  prepare(): (() => void) | Error {
    const content = this.#file.changed()
    // An unchanged invalid file is still an error for a reload, though reported only once.
    if (content === undefined) return this.#lastError ?? (() => {})
    try {
      const inventory = this.#parse(content)
      return () => this.#apply(inventory, content)
    } catch (error) {
      this.#refuse(content, error as Error)
      return error as Error
    }
  }

  #parse({ text, error }: FileContent): Inventory {
    if (text === undefined) throw error
    // A file is empty when a writer has just opened it. An empty inventory is never intended.
    if (text.trim() === '') throw new Error(`inventory file ${this.#file.path}: is empty`)
    return parseInventory(text, this.#file.path)
  }

  #apply(inventory: Inventory, content: FileContent): void {
    this.#file.settle(content)
    this.#lastError = undefined
    const fields = this.#switchInventory(inventory)
    this.#status.applied()
    this.#log.info({ file: this.#file.path, ...fields }, 'inventory reloaded')
  }

  #refuse(content: FileContent, error: Error): void {
    this.#file.settle(content)
    this.#lastError = error
    this.#status.refused()
    this.#log.error({ file: this.#file.path, err: error.message }, 'inventory reload failed, keeping the previous one')
  }
}
