// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-file.ts - reloads the inventory file when it changes.
 *
 * In:    a path, the text that is in effect, and a function that switches to a new inventory.
 * Out:   a changed file takes effect within seconds or on a reload; the result is logged and shows in the reload metrics.
 * Fail:  a missing, empty or invalid file is reported once, and the previous inventory stays.
 * Never: parses a large file on this thread: 100,000 endpoints take seconds.
 */
import { type Inventory, parseInventory, readInventory } from '../../datapath/inventory/inventory.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import { type FileContent, FollowedFile } from '../../lib/followed-file.js'
import type { Log } from '../log.js'
import { InventoryThread, type PreparedInventory } from './inventory-thread.js'
import { ReloadStatus } from './reload-status.js'

export interface InventoryFile {
  readonly path: string
  /** The text that is in effect. */
  readonly text: string
}

/** Switches to an inventory; returns fields for the log line. */
export type SwitchInventory = (inventory: Inventory) => Readonly<Record<string, number>>

/** Switches to a large inventory, which another thread has parsed. */
export interface LargeInventories {
  /** The inventory in effect; undefined after use(). */
  readonly current: Inventory | undefined
  use(prepared: PreparedInventory): Promise<Readonly<Record<string, number>>>
}

/** Characters. Some 7,000 endpoints, which take a tenth of a second. */
const LARGE = 1 << 20
const METRICS = { successful: M.inventoryReloadSuccessful, time: M.inventoryReloadTime, reloads: M.inventoryReloads }

export class InventoryFileWatch {
  readonly #file: FollowedFile
  readonly #switchInventory: SwitchInventory
  readonly #log: Log
  readonly #status: ReloadStatus
  /** Why the last content is not in effect. */
  #lastError: Error | undefined
  readonly #large: LargeInventories | undefined
  /** The text in effect, if it is large or a thread compares it. */
  #text: string | undefined
  #thread: InventoryThread | undefined
  /** What the thread made of the content with this mark. */
  #prepared: { readonly mark: string; readonly result: PreparedInventory | Error } | undefined
  /** A large file is being parsed or applied. */
  #work: Promise<void> | undefined

  /** `large`: absent to parse all files on this thread. */
  constructor(
    { path, text }: InventoryFile,
    switchInventory: SwitchInventory,
    store: SeriesStore,
    log: Log,
    large?: LargeInventories,
  ) {
    this.#large = large
    if (large !== undefined && text.length > LARGE) this.#text = text
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
    this.#thread?.stop()
  }

  /** Applies the file now if its content has changed, whatever its modification time; a large one soon. */
  check(): void {
    if (this.#work !== undefined) return
    const content = this.#file.changed()
    if (content === undefined) return
    if (this.#isLarge(content)) {
      void this.#alone(async () => this.#commit(content, await this.#prepareInThread(content)))
      return
    }
    const apply = this.prepare(content)
    if (!(apply instanceof Error)) apply()
  }

  /** Call before prepare(): parses a large file in the thread. */
  async prepareLarge(): Promise<void> {
    await this.#work
    const content = this.#file.changed()
    if (content === undefined || !this.#isLarge(content)) return
    await this.#alone(async () => {
      this.#prepared = { mark: content.mark, result: await this.#prepareInThread(content) }
    })
  }

  /** Resolves when a large file that prepare() applied is in effect. */
  async settled(): Promise<void> {
    await this.#work
  }

  /** Reads and checks the file without applying it. Returns a function that applies it, or the reported error. */
  prepare(content = this.#file.changed()): (() => void) | Error {
    // An unchanged invalid file is still an error for a reload, though reported only once.
    if (content === undefined) return this.#lastError ?? (() => {})
    if (this.#isLarge(content)) return this.#prepareFromThread(content)
    try {
      const inventory = this.#parse(content)
      return () => this.#apply(inventory, content)
    } catch (error) {
      this.#refuse(content, error as Error)
      return error as Error
    }
  }

  /** Once the thread has the inventory in effect, it compares small ones as well. */
  #isLarge({ text }: FileContent): boolean {
    if (this.#large === undefined || text === undefined || text.trim() === '') return false
    return text.length > LARGE || this.#text !== undefined
  }

  /** A file that has changed since prepareLarge() is left to the next check. */
  #prepareFromThread(content: FileContent): (() => void) | Error {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared?.mark !== content.mark) return () => {}
    const { result } = prepared
    if (result instanceof Error) {
      this.#refuse(content, result)
      return result
    }
    return () => void this.#alone(() => this.#commit(content, result))
  }

  async #prepareInThread({ text }: FileContent): Promise<PreparedInventory | Error> {
    const { path } = this.#file
    if (this.#thread?.dead) this.#thread = undefined
    const inventory = this.#large?.current
    const isText = this.#text !== undefined || inventory === undefined
    this.#thread ??= new InventoryThread(isText ? { text: this.#text ?? '', name: path } : { inventory })
    return this.#thread.prepare(text!, path).catch(error => error as Error)
  }

  async #commit(content: FileContent, prepared: PreparedInventory | Error): Promise<void> {
    if (prepared instanceof Error) return this.#refuse(content, prepared)
    const fields = await this.#large!.use(prepared)
    this.#thread?.applied()
    this.#text = content.text
    this.#applied(content, fields)
  }

  #alone(work: () => Promise<void>): Promise<void> {
    this.#work = work().finally(() => {
      this.#work = undefined
    })
    return this.#work
  }

  #parse({ text, error }: FileContent): Inventory {
    if (text === undefined) throw error
    // A file is empty when a writer has just opened it. An empty inventory is never intended.
    if (text.trim() === '') throw new Error(`inventory file ${this.#file.path}: is empty`)
    return parseInventory(text, this.#file.path)
  }

  #apply(inventory: Inventory, content: FileContent): void {
    this.#applied(content, this.#switchInventory(inventory))
  }

  #applied(content: FileContent, fields: Readonly<Record<string, number>>): void {
    this.#file.settle(content)
    this.#lastError = undefined
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
