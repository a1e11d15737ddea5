/**
 * conntrack-offset.test.ts - the programs read conntrack from the moment that nf_conntrack is there.
 */
import t from 'tap'
import { ConntrackOffset } from '../../../src/datapath/source/conntrack-offset.js'
import type { BpfObject, Native } from '../../../src/datapath/source/native.js'

class Kernel {
  offset: number | undefined
  isLoaded = false
  parses = 0
  readonly written: number[] = []
  readonly #hasCast: boolean

  constructor(hasCast = true) {
    this.#hasCast = hasCast
  }

  open(): ConntrackOffset {
    const native = {
      kernelHasFunction: () => this.#hasCast,
      kernelField: () => {
        this.parses++
        return this.offset
      },
    }
    const object = {
      update: (_table: string, _keys: Uint8Array, values: Uint8Array) => {
        this.written.push(new DataView(values.buffer).getUint32(0, true))
      },
    }
    return new ConntrackOffset(native as unknown as Native, object as unknown as BpfObject, () => this.isLoaded)
  }
}

t.test('conntrack that is there at the start is read at once', async t => {
  const kernel = new Kernel()
  kernel.offset = 16
  const offset = kernel.open()
  t.equal(offset.find(), true)
  t.equal(offset.find(), false, 'once')
  t.strictSame(kernel.written, [16])
})

t.test('nf_conntrack that is loaded later is read from then on', async t => {
  const kernel = new Kernel()
  const offset = kernel.open()
  for (let times = 0; times < 3; times++) t.equal(offset.find(), false)
  t.equal(kernel.parses, 1, 'the BTF of a kernel without it is parsed once')
  Object.assign(kernel, { offset: 24, isLoaded: true })
  t.equal(offset.find(), true)
  t.equal(offset.find(), false)
  t.strictSame(kernel.written, [24])
})

t.test('a module without the type is tried once', async t => {
  const kernel = new Kernel()
  const offset = kernel.open()
  offset.find()
  kernel.isLoaded = true
  for (let times = 0; times < 3; times++) t.equal(offset.find(), false)
  t.equal(kernel.parses, 2)
})

t.test('a kernel whose programs cannot read it is not asked', async t => {
  const kernel = new Kernel(false)
  kernel.offset = 16
  t.equal(kernel.open().find(), false)
  t.equal(kernel.parses, 0)
})
