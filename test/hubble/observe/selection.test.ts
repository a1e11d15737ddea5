/**
 * selection.test.ts - the first or last flows, a time range, and responses that always pass.
 */
import t from 'tap'
import { instantOf } from '../../../src/hubble/observe/instant.js'
import { type FlowResponse, responseOf } from '../../../src/hubble/observe/response.js'
import { type Selection, select } from '../../../src/hubble/observe/selection.js'

const ALL = { allow: [], deny: [] }
const at = (second: number) => `2026-01-01T00:00:0${second}Z`
/** Eight flows a second apart, odd ones dropped. */
const flows = Array.from({ length: 8 }, (_, i) =>
  responseOf({ time: at(i), uuid: String(i), verdict: i % 2 === 1 ? 'DROPPED' : 'FORWARDED' }),
)

async function chosen(selection: Partial<Selection>, source: Iterable<FlowResponse> = flows): Promise<string> {
  const ids: string[] = []
  for await (const { flow, lost_events: lost } of select(source, { ...ALL, ...selection })) {
    ids.push(flow?.uuid ?? (lost === undefined ? '?' : 'lost'))
  }
  return ids.join(' ')
}

t.test('without a selection everything passes', async t => {
  t.equal(await chosen({}), '0 1 2 3 4 5 6 7')
})

t.test('the first and the last are counted after the filters', async t => {
  t.equal(await chosen({ first: 3 }), '0 1 2')
  t.equal(await chosen({ last: 3 }), '5 6 7')
  t.equal(await chosen({ last: 100 }), '0 1 2 3 4 5 6 7')
  t.equal(await chosen({ last: 3, allow: [{ verdict: ['DROPPED'] }] }), '3 5 7')
  t.equal(await chosen({ first: 2, deny: [{ verdict: ['DROPPED'] }] }), '0 2')
  t.equal(await chosen({ first: 0 }), '')
  t.equal(await chosen({ last: 0 }), '')
})

t.test('since and until are both inclusive', async t => {
  t.equal(await chosen({ since: instantOf(at(2))!, until: instantOf(at(4))! }), '2 3 4')
  t.equal(await chosen({ since: instantOf('2026-01-01T00:00:02.000000001Z')! }), '3 4 5 6 7')
  t.equal(await chosen({ until: instantOf(at(1))! }, [...flows, responseOf({ uuid: 'timeless' })]), '0 1')
})

t.test('the source is read no further than needed', async t => {
  let read = 0
  function* counted() {
    for (const flow of flows) {
      read++
      yield flow
    }
  }
  await chosen({ first: 2 }, counted())
  t.equal(read, 2)
})

t.test('lost events pass every filter and do not count as flows', async t => {
  const lost: FlowResponse = { lost_events: { num_events_lost: '3' } }
  t.equal(await chosen({ first: 1, allow: [{ verdict: ['DROPPED'] }] }, [lost, ...flows]), 'lost 1')
})
