// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-thread.ts - compares large inventories in a thread of its own.
 *
 * In:    the inventory in effect; the text of a new one.
 * Out:   the changes between them, packed in small batches.
 * Fail:  an invalid text, or a thread that dies (out of memory), rejects with one line. `dead`: start another.
 */
import { Worker } from 'node:worker_threads'
import type { PackedChanges } from '../../kubernetes/cluster/packed-changes.js'
import type { InventoryTables } from '../names/name-updates.js'
import type { FromInventoryWorker, InventoryInEffect, ToInventoryWorker } from './inventory-worker.js'

export interface PreparedInventory {
  readonly changes: readonly PackedChanges[]
  readonly tables: InventoryTables
}

/** A million endpoints and their texts. */
const HEAP_MB = 2048
const PROGRAM = new URL('./inventory-worker.js', import.meta.url)

export class InventoryThread {
  readonly #worker: Worker
  #changes: PackedChanges[] = []
  #settle: ((result: PreparedInventory | Error) => void) | undefined
  #dead: Error | undefined

  constructor(inEffect: InventoryInEffect) {
    this.#worker = new Worker(PROGRAM, { workerData: inEffect, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } })
    this.#worker.unref()
    this.#worker.on('message', (message: FromInventoryWorker) => this.#receive(message))
    this.#worker.once('error', error => this.#die(error))
    this.#worker.once('exit', code => this.#die(new Error(`the inventory thread exited with code ${code}`)))
  }

  get dead(): boolean {
    return this.#dead !== undefined
  }

  /** Rejects if the text is not a valid inventory. One text at a time. */
  async prepare(text: string, name: string): Promise<PreparedInventory> {
    if (this.#dead !== undefined) throw this.#dead
    this.#changes = []
    const result = new Promise<PreparedInventory | Error>(resolve => {
      this.#settle = resolve
    })
    this.#post({ kind: 'text', text, name })
    const prepared = await result
    if (prepared instanceof Error) throw prepared
    return prepared
  }

  /** The last prepared inventory is in effect. */
  applied(): void {
    this.#post({ kind: 'applied' })
  }

  stop(): void {
    void this.#worker.terminate()
  }

  #post(message: ToInventoryWorker): void {
    this.#worker.postMessage(message)
  }

  #receive(message: FromInventoryWorker): void {
    if (message.kind === 'changes') this.#changes.push(message.packed)
    else if (message.kind === 'refused') this.#settle?.(new Error(message.message))
    else this.#settle?.({ changes: this.#changes, tables: message.tables })
  }

  #die(error: Error): void {
    this.#dead ??= error
    this.#settle?.(this.#dead)
  }
}
