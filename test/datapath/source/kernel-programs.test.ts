/**
 * kernel-programs.test.ts - the object and the programs for a kernel, by what its BTF has.
 */
import t from 'tap'
import { kernelPrograms, OBJECT_PATH, OBJECT_PATH_BEFORE_6_2 } from '../../../src/datapath/source/kernel-programs.js'

const CONNTRACK = 'bpf_cast_to_kern_ctx'
const SLEEPABLE = 'bpf_mem_alloc_init'
const GUARD = 'bpf_prog_inc_misses_counter'
const BY_TC = ['weir_flush_tc', 'weir_flush_drops_tc']
const BY_SYSCALL = ['weir_flush', 'weir_flush_drops']

const programs = (...functions: string[]) => kernelPrograms({ kernelHasFunction: name => functions.includes(name) })

t.test('a kernel with every feature gets the object that reads conntrack', async t => {
  t.strictSame(programs(CONNTRACK, SLEEPABLE, GUARD), {
    path: OBJECT_PATH,
    flush: 'weir_flush',
    flushDrops: 'weir_flush_drops',
    drops: ['weir_drop', 'weir_drop_nested'],
    without: [],
  })
})

t.test('a kernel whose programs cannot read conntrack gets the other object', async t => {
  t.match(programs(SLEEPABLE, GUARD), { path: OBJECT_PATH_BEFORE_6_2, flush: 'weir_flush', without: BY_TC })
})

t.test('a kernel that refuses sleepable programs on tables without preallocation flushes by tc programs', async t => {
  const { path, flush, flushDrops, without } = programs(GUARD)
  t.equal(path, OBJECT_PATH_BEFORE_6_2)
  t.strictSame([flush, flushDrops], BY_TC)
  t.strictSame(without, BY_SYSCALL)
})

t.test('a kernel without a recursion guard runs weir_drop for every free, and needs no second program', async t => {
  const { drops, without } = programs()
  t.strictSame(drops, ['weir_drop'])
  t.strictSame(without, [...BY_SYSCALL, 'weir_drop_nested'])
})
