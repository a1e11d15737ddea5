import { Decoder } from './src/datapath/decode.js'
import { Entities } from './src/datapath/entities.js'
import { KernelReasons } from './src/datapath/reasons.js'
import { loadWorld } from './src/datapath/world.js'
import { Reducer } from './src/exporter/reduce.js'
import { SeriesStore } from './src/exporter/series.js'
import { recordedFrames } from './bench/recorded.js'
const entities = Entities.from(loadWorld('test/fixtures/world.json'))
const frames = recordedFrames('bench/fixtures/bench.pcap.gz')
const d = new Decoder(); const r = new Reducer(new SeriesStore(), entities, new KernelReasons([]), false)
const pass = () => d.decode(frames, frames.length, r)
pass(); const n = Object.values(d.counts).reduce((a,b)=>a+b)
for (let i=0;i<40;i++) pass()
const v:number[]=[]
for (let i=0;i<101;i++){const b=process.cpuUsage(); pass(); const {user,system}=process.cpuUsage(b); v.push((user+system)*1000/n)}
v.sort((a,b)=>a-b); console.log(n, 'min',v[0]!.toFixed(0),'med',v[50]!.toFixed(0))
