// SPDX-License-Identifier: Apache-2.0
/**
 * links.ts - parses rtnetlink messages into links.
 *
 * In:    messages that start with struct nlmsghdr, back to back (linux/netlink.h, linux/if_link.h), as RtnetlinkWatch reads
 *        them.
 * Out:   one call for each link that exists or was deleted.
 * Fail:  parsing stops at a truncated message; the kernel sends whole ones.
 * Never: makes a system call.
 */

export interface Link {
  readonly ifindex: number
  readonly name: string
  /** `veth`, `bridge`, ...; empty for hardware and loopback. */
  readonly kind: string
  /** The peer is in another network namespace: on a node, a pod's. */
  readonly peerInOtherNetns: boolean
}

export interface LinkSink {
  present(link: Link): void
  gone(ifindex: number): void
  /** A dump is complete: links that it did not list do not exist. */
  complete(): void
}

const NLMSG_HEADER = 16
const IFINFO_HEADER = 16
const ATTRIBUTE_HEADER = 4
const NLMSG_DONE = 3
const RTM = { newLink: 16, deleteLink: 17 } as const
const IFLA = { name: 3, linkInfo: 18, linkNetnsId: 37 } as const
const IFLA_INFO_KIND = 1
const ATTRIBUTE_TYPE = 0x3fff
const AF_UNSPEC = 0

/**
 * Parses `length` bytes of messages. Skips bridge and wireless notifications (another family): they carry no link
 * attributes.
 */
export function readLinks(bytes: Uint8Array, length: number, sink: LinkSink): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  for (let at = 0; at + NLMSG_HEADER <= length; ) {
    const size = view.getUint32(at, true)
    if (size < NLMSG_HEADER || at + size > length) return
    const type = view.getUint16(at + 4, true)
    const body = at + NLMSG_HEADER
    if (type === NLMSG_DONE) sink.complete()
    else if (size >= NLMSG_HEADER + IFINFO_HEADER && view.getUint8(body) === AF_UNSPEC) {
      const ifindex = view.getInt32(body + 4, true)
      if (type === RTM.deleteLink) sink.gone(ifindex)
      else if (type === RTM.newLink) sink.present(readLink(view, ifindex, body + IFINFO_HEADER, at + size))
    }
    at += align(size)
  }
}

function readLink(view: DataView, ifindex: number, from: number, to: number): Link {
  let name = ''
  let kind = ''
  let peerInOtherNetns = false
  for (const { type, at, end } of attributes(view, from, to)) {
    if (type === IFLA.name) name = text(view, at, end)
    else if (type === IFLA.linkNetnsId) peerInOtherNetns = true
    else if (type === IFLA.linkInfo) {
      for (const info of attributes(view, at, end))
        if (info.type === IFLA_INFO_KIND) kind = text(view, info.at, info.end)
    }
  }
  return { ifindex, name, kind, peerInOtherNetns }
}

function* attributes(view: DataView, from: number, to: number): Generator<{ type: number; at: number; end: number }> {
  for (let at = from; at + ATTRIBUTE_HEADER <= to; ) {
    const size = view.getUint16(at, true)
    if (size < ATTRIBUTE_HEADER || at + size > to) return
    yield { type: view.getUint16(at + 2, true) & ATTRIBUTE_TYPE, at: at + ATTRIBUTE_HEADER, end: at + size }
    at += align(size)
  }
}

/** A string up to its terminating zero, if it has one. */
function text(view: DataView, at: number, end: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, end - at)
  const zero = bytes.indexOf(0)
  return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero))
}

function align(size: number): number {
  return (size + 3) & ~3
}
