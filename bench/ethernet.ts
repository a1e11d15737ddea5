/**
 * ethernet.ts - frames for BPF_PROG_TEST_RUN: TCP and UDP over IPv4 and IPv6, aimed at another peer in place.
 *
 * In:    source and destination, TCP flags, bytes of payload.
 * Out:   the bytes of a frame. Checksums are 0: nothing on the way to the program checks them.
 */

/** The source or destination of a frame. `host` is added to 10.1.0.0 or fd00::. */
export interface Peer {
  host: number
  port: number
}

export interface Kind {
  readonly ipv6: boolean
  readonly protocol: 'tcp' | 'udp'
  /** TCP flags (RFC 9293); 0 for UDP. */
  readonly flags: number
  /** Bytes after the transport header. */
  readonly payload: number
}

export const TCP = { fin: 0x01, syn: 0x02, ack: 0x10 } as const

const ETHERNET = 14
const TCP_HEADER = 32 // with timestamps, as Linux sends it
const UDP_HEADER = 8
const IPV4 = { ethertype: 0x0800, header: 20, source: 12, destination: 16, network: 0x0a010000 } as const
const IPV6 = { ethertype: 0x86dd, header: 40, source: 8, destination: 24, network: 0xfd000000 } as const
const PROTOCOL = { tcp: 6, udp: 17 } as const
const TTL = 64
/** The last word of an IPv6 address. */
const LAST_WORD = 12

export class Frame {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #kind: Kind

  constructor(kind: Kind) {
    const ip = kind.ipv6 ? IPV6 : IPV4
    const transport = (kind.protocol === 'tcp' ? TCP_HEADER : UDP_HEADER) + kind.payload
    this.bytes = new Uint8Array(ETHERNET + ip.header + transport)
    this.#view = new DataView(this.bytes.buffer)
    this.#kind = kind
    this.#view.setUint16(12, ip.ethertype)
    if (kind.ipv6) this.#ipv6(transport)
    else this.#ipv4(transport)
    const at = ETHERNET + ip.header
    if (kind.protocol === 'udp') return
    this.#view.setUint8(at + 12, (TCP_HEADER / 4) << 4)
    this.#view.setUint8(at + 13, kind.flags)
  }

  /** Changes source and destination and returns the bytes. */
  aim(source: Peer, destination: Peer): Uint8Array {
    const ip = this.#kind.ipv6 ? IPV6 : IPV4
    this.#address(ETHERNET + ip.source, source.host)
    this.#address(ETHERNET + ip.destination, destination.host)
    this.#view.setUint16(ETHERNET + ip.header, source.port)
    this.#view.setUint16(ETHERNET + ip.header + 2, destination.port)
    return this.bytes
  }

  #address(at: number, host: number): void {
    if (this.#kind.ipv6) this.#view.setUint32(at + LAST_WORD, host)
    else this.#view.setUint32(at, IPV4.network + host)
  }

  #ipv4(transport: number): void {
    this.#view.setUint8(ETHERNET, 0x45)
    this.#view.setUint16(ETHERNET + 2, IPV4.header + transport)
    this.#view.setUint8(ETHERNET + 8, TTL)
    this.#view.setUint8(ETHERNET + 9, PROTOCOL[this.#kind.protocol])
  }

  #ipv6(transport: number): void {
    this.#view.setUint8(ETHERNET, 0x60)
    this.#view.setUint16(ETHERNET + 4, transport)
    this.#view.setUint8(ETHERNET + 6, PROTOCOL[this.#kind.protocol])
    this.#view.setUint8(ETHERNET + 7, TTL)
    this.#view.setUint32(ETHERNET + IPV6.source, IPV6.network)
    this.#view.setUint32(ETHERNET + IPV6.destination, IPV6.network)
  }
}
