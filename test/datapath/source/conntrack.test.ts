/**
 * conntrack.test.ts - questions to conntrack and its answers, in the layout of linux/netfilter/nfnetlink_conntrack.h.
 */
import t from 'tap'
import { Conntrack, readAnswers, type Tuple, writeRequest } from '../../../src/datapath/source/conntrack.js'
import { formatAddress, parseAddress } from '../../../src/lib/address.js'

const tuple = (src: string, srcPort: number, dst: string, dstPort: number, proto = 6): Tuple => ({
  src: parseAddress(src),
  dst: parseAddress(dst),
  srcPort,
  dstPort,
  proto,
})
const WEB = tuple('10.0.0.1', 40_000, '10.96.0.10', 80)

function request(sequence: number, asked: Tuple): Buffer {
  const bytes = Buffer.alloc(256)
  return bytes.subarray(0, writeRequest(new DataView(bytes.buffer, bytes.byteOffset), 0, sequence, asked))
}

/** The tuple attributes are the same in questions and answers: an answer is made of two questions. */
function answer(sequence: number, original: Tuple, reply: Tuple): Buffer {
  const [first, second] = [request(sequence, original), request(sequence, reply)]
  const tuples = [first.subarray(20), Buffer.from(second.subarray(20))]
  tuples[1]!.writeUInt16LE(0x8002, 2)
  const bytes = Buffer.concat([first.subarray(0, 20), ...tuples])
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(0x100, 4)
  return bytes
}

function refusal(sequence: number, error: number): Buffer {
  const bytes = Buffer.alloc(36)
  bytes.writeUInt32LE(36, 0)
  bytes.writeUInt16LE(2, 4)
  bytes.writeUInt32LE(sequence, 8)
  bytes.writeInt32LE(error, 16)
  return bytes
}

const text = ({ src, srcPort, dst, dstPort, proto }: Tuple) =>
  `${formatAddress(src)}:${srcPort} ${formatAddress(dst)}:${dstPort} ${proto}`

t.test('a question, byte by byte', async t => {
  const expected = [
    '4800 0000 0101 0100 0700 0000 0000 0000', // nlmsghdr: 72 bytes, CT_GET, NLM_F_REQUEST, sequence 7
    '0200 0000', // nfgenmsg: AF_INET
    '3400 0180', // CTA_TUPLE_ORIG, nested
    '1400 0180 0800 0100 0a00 0001 0800 0200 0a60 000a', // CTA_TUPLE_IP: source, destination
    '1c00 0280 0500 0100 0600 0000 0600 0200 9c40 0000 0600 0300 0050 0000', // CTA_TUPLE_PROTO: number, ports
  ]
  t.equal(request(7, WEB).toString('hex'), expected.join('').replaceAll(' ', ''))
})

t.test('answers have both tuples, IPv4 mapped', async t => {
  const six = tuple('fd00::1', 1, 'fd96::10', 2, 17)
  const replies = [tuple('10.0.1.2', 8080, '10.0.0.1', 40_000), tuple('fd00::2', 3, 'fd00::1', 1, 17)] as const
  const bytes = Buffer.concat([answer(0, WEB, replies[0]), refusal(1, -2), answer(2, six, replies[1])])
  const found = [...readAnswers(bytes, bytes.length)]
  t.strictSame(
    found.map(({ sequence, entry }) => [sequence, entry && text(entry.original), entry && text(entry.reply)]),
    [
      [0, text(WEB), text(replies[0])],
      [1, undefined, undefined],
      [2, text(six), text(replies[1])],
    ],
  )
})

t.test('a truncated answer ends the answers', async t => {
  const bytes = answer(0, WEB, WEB)
  t.strictSame([...readAnswers(bytes, bytes.length - 1)], [])
})

t.test('an error that all questions of a batch got is thrown; a protocol that conntrack lacks is no error', async t => {
  const conntrack = (...errors: number[]) =>
    new Conntrack({
      query(_, into) {
        const answers = Buffer.concat(errors.map((error, n) => refusal(n, error)))
        into.set(answers)
        return answers.length
      },
      close: () => {},
    })
  const thrown = { message: /refused a question: error 1/, syscall: /CT_GET/ }
  t.throws(() => conntrack(-1, -1).ask([WEB, WEB]), thrown)
  t.strictSame(conntrack(-2, -22).ask([WEB, WEB]), [undefined, undefined])
})

t.test('many questions go in batches, and answers in any order find theirs', async t => {
  const batches: number[] = []
  const conntrack = new Conntrack({
    query(requests, into) {
      const sequences: number[] = []
      const view = new DataView(requests.buffer, requests.byteOffset, requests.byteLength)
      for (let at = 0; at < requests.length; at += view.getUint32(at, true))
        sequences.push(view.getUint32(at + 8, true))
      batches.push(sequences.length)
      const answers = Buffer.concat(
        sequences
          .reverse()
          .map(n => (n % 2 === 0 ? answer(n, WEB, tuple('10.0.1.2', n, '10.0.0.1', 1)) : refusal(n, -2))),
      )
      into.set(answers)
      return answers.length
    },
    close: () => {},
  })
  const entries = conntrack.ask(Array.from({ length: 100 }, () => WEB))
  t.strictSame(batches, [64, 36])
  t.equal(entries.length, 100)
  t.strictSame([entries[2]?.reply.srcPort, entries[64 + 2]?.reply.srcPort, entries[3]], [2, 66, undefined])
})

t.test('an answer that a failed batch left in the socket is not the answer to the next question', async t => {
  const late = answer(0, WEB, tuple('10.0.1.9', 8080, '10.0.0.1', 40_000))
  let batches = 0
  const conntrack = new Conntrack({
    query(_, into) {
      if (batches++ === 0) throw new Error('ENOBUFS')
      const answers = Buffer.concat([late, refusal(64, -2)])
      into.set(answers)
      return answers.length
    },
    close: () => {},
  })
  t.throws(() => conntrack.ask([WEB]), /ENOBUFS/)
  t.strictSame(conntrack.ask([WEB]), [undefined])
})
