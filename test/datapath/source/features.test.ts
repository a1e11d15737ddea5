/**
 * features.test.ts - what each kernel is said to lack, from fakes of its BTF, lockdown and perf events.
 */
import t from 'tap'
import { featureText, type KernelFacts, kernelFeatures } from '../../../src/datapath/source/features.js'

const ENUMS: Readonly<Record<string, readonly string[]>> = {
  bpf_attach_type: ['BPF_CGROUP_INET_INGRESS', 'BPF_TCX_INGRESS'],
  skb_drop_reason: ['SKB_NOT_DROPPED_YET', 'SKB_DROP_REASON_QUEUE_PURGE'],
}

/** A kernel with everything, but for `lacks`. */
function facts(lacks: Partial<KernelFacts> & { enums?: typeof ENUMS } = {}): KernelFacts {
  const { enums = ENUMS, ...rest } = lacks
  return {
    kernelEnum: name => (enums[name] ?? []).map((member, value) => ({ name: member, value })),
    kernelField: () => 16,
    kernelHasFunction: () => true,
    perfRefusal: () => undefined,
    hasBtf: () => true,
    lockdown: () => '',
    ...rest,
  }
}

function states(kernel: KernelFacts): Record<string, string> {
  return Object.fromEntries(kernelFeatures(kernel).map(({ name, state }) => [name, state]))
}

const ALL_ON = {
  btf: 'on',
  kernel_reads: 'on',
  tcx: 'on',
  netkit: 'on',
  perf_ring: 'on',
  drop_reasons: 'on',
  conntrack: 'on',
}

t.test('a kernel with everything', async t => {
  t.strictSame(states(facts()), ALL_ON)
  t.strictSame(states(facts({ lockdown: () => 'integrity' })), ALL_ON)
})

t.test('each kernel lacks what its facts say, and nothing else', async t => {
  const cases: readonly [string, KernelFacts, Record<string, string>][] = [
    ['no BTF', facts({ hasBtf: () => false }), { btf: 'off' }],
    ['lockdown', facts({ lockdown: () => 'confidentiality' }), { kernel_reads: 'off' }],
    ['no TCX', facts({ enums: { ...ENUMS, bpf_attach_type: [] } }), { tcx: 'degraded' }],
    ['perf events refused', facts({ perfRefusal: () => 'EACCES' }), { perf_ring: 'degraded' }],
    [
      'no QUEUE_PURGE',
      facts({ enums: { ...ENUMS, skb_drop_reason: ['SKB_NOT_DROPPED_YET'] } }),
      { drop_reasons: 'degraded' },
    ],
    ['no reasons', facts({ enums: { ...ENUMS, skb_drop_reason: [] } }), { drop_reasons: 'degraded' }],
    ['no kfunc', facts({ kernelHasFunction: () => false }), { conntrack: 'degraded' }],
    [
      'no nf_conntrack',
      facts({ kernelField: name => (name === 'nf_conn' ? undefined : 0) }),
      { conntrack: 'degraded' },
    ],
    ['no netkit', facts({ kernelField: name => (name === 'netkit' ? undefined : 0) }), { netkit: 'degraded' }],
  ]
  for (const [title, kernel, lacks] of cases) t.strictSame(states(kernel), { ...ALL_ON, ...lacks }, title)
})

t.test('a kernel without drop reasons says what its drops lack', async t => {
  const { detail } = kernelFeatures(facts({ enums: { ...ENUMS, skb_drop_reason: [] } })).find(
    ({ name }) => name === 'drop_reasons',
  )!
  for (const lack of [/every drop .* NOT_SPECIFIED/, /by a TCP socket/, /unread data/]) t.match(detail, lack)
})

t.test('the text of a feature names the cause and the remedy', async t => {
  const texts = kernelFeatures(facts({ lockdown: () => 'confidentiality', perfRefusal: () => 'EACCES' })).map(
    featureText,
  )
  t.ok(texts.some(text => /^kernel_reads: off \(lockdown=confidentiality .*; use lockdown=integrity\)$/.test(text)))
  t.ok(texts.some(text => /^perf_ring: degraded \(.*EACCES\)$/.test(text)))
})
