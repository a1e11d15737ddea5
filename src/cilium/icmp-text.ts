// SPDX-License-Identifier: Apache-2.0
/**
 * icmp-text.ts - type and code of an ICMP message as Hubble and `cilium monitor` print them: `Redirect(TOS+Host)`.
 *
 * Out:   gopacket's texts (layers/icmp4.go, icmp6.go).
 */
import { icmpTypeName } from '../datapath/record/protocol.js'

/** Names of codes by type. For a type that is not listed, a code other than 0 prints as a number. */
const CODES: Readonly<Record<number, readonly string[]>> = {
  3: [
    'Net',
    'Host',
    'Protocol',
    'Port',
    'FragmentationNeeded',
    'SourceRoutingFailed',
    'NetUnknown',
    'HostUnknown',
    'SourceIsolated',
    'NetAdminProhibited',
    'HostAdminProhibited',
    'NetTOS',
    'HostTOS',
    'CommAdminProhibited',
    'HostPrecedence',
    'PrecedenceCutoff',
  ],
  5: ['Net', 'Host', 'TOS+Net', 'TOS+Host'],
  11: ['TTLExceeded', 'FragmentReassemblyTimeExceeded'],
  12: ['PointerIndicatesError', 'MissingOption', 'BadLength'],
}

const CODES_V6: Readonly<Record<number, readonly string[]>> = {
  1: [
    'NoRouteToDst',
    'AdminProhibited',
    'BeyondScopeOfSrc',
    'AddressUnreachable',
    'PortUnreachable',
    'SrcAddressFailedPolicy',
    'RejectRouteToDst',
  ],
  3: ['HopLimitExceeded', 'FragmentReassemblyTimeExceeded'],
  4: ['ErroneousHeaderField', 'UnrecognizedNextHeader', 'UnrecognizedIPv6Option'],
}

/** `Type`, `Type(Code)`, `Type(Code: n)` for a code without a name, `t(c)` for a type without a name. */
export function icmpText(ipv6: boolean, type: number, code: number): string {
  const name = icmpTypeName(ipv6, type)
  if (name === String(type)) return `${type}(${code})`
  const codes = (ipv6 ? CODES_V6 : CODES)[type]
  if (codes === undefined && code === 0) return name
  return `${name}(${codes?.[code] ?? `Code: ${code}`})`
}
