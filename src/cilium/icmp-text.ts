/**
 * icmp-text.ts - type and code of an ICMP message in one word: `Redirect(TOS+Host)`.
 *
 * Out:   what Hubble and `cilium monitor` print (gopacket layers/icmp4.go, icmp6.go).
 */
import { icmpTypeName } from '../datapath/record/protocol.js'

/** Names of the codes by type; a type without any prints a code other than 0 as a number. */
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

/** `Type`, `Type(Code)`, `Type(Code: n)` for a code without name, `t(c)` for a type without name. */
export function icmpText(ipv6: boolean, type: number, code: number): string {
  const name = icmpTypeName(ipv6, type)
  if (name === String(type)) return `${type}(${code})`
  const codes = (ipv6 ? CODES_V6 : CODES)[type]
  if (codes === undefined && code === 0) return name
  return `${name}(${codes?.[code] ?? `Code: ${code}`})`
}
