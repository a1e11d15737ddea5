/**
 * golden.test.ts - 2,000 records of every kind print as `cilium monitor` 1.19.4 printed them.
 *
 * In:    examples/records.pcap, inventory.json; monitor.txt.gz and monitor-numeric.txt.gz are Cilium's own output.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { RecordingReader } from '../../src/datapath/source/recording-reader.js'
import { formatterOf } from '../support/monitor-text.js'

const CPU = 1
/** Lines of undecodable records: compared without their wording, which is each program's own. */
const UNREADABLE = /^(cannot decode .*'\d+'|CPU 01: Unknown event).*/

const { links } = loadInventory('examples/inventory.json')
const interfaceName = (ifindex: number) => links[ifindex] ?? String(ifindex)

function printed(numeric: boolean): string[] {
  const names = { interfaceName, ...(numeric ? { identity: String } : {}) }
  const formatter = formatterOf({ names })
  const reader = new RecordingReader('examples/records.pcap')
  let text = ''
  while (reader.next()) text += formatter.record(reader.view, reader.at, reader.size, CPU)
  reader.close()
  return text.split('\n').map(line => line.replace(UNREADABLE, '$1'))
}

for (const [title, file, numeric] of [
  ['with names of identities', 'monitor.txt.gz', false],
  ['with numbers of identities', 'monitor-numeric.txt.gz', true],
] as const) {
  t.test(`every record is printed as cilium monitor prints it, ${title}`, async t => {
    const golden = gunzipSync(readFileSync(`test/fixtures/${file}`)).toString()
    const want = golden.split('\n').map(line => line.replace(UNREADABLE, '$1'))
    const got = printed(numeric)
    t.ok(want.length > 1900)
    t.same(
      want.flatMap((line, i) => (line === got[i] ? [] : [{ want: line, got: got[i] }])),
      [],
    )
    t.equal(got.length, want.length)
  })
}
