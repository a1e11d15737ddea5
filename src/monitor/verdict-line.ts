// SPDX-License-Identifier: Apache-2.0
/**
 * verdict-line.ts - a PolicyVerdictNotify as the monitor prints it: the same line at every verbosity, even JSON.
 *
 * Out:   the template of cilium/cilium pkg/monitor/datapath_policy.go.
 */

import { actionWord, authWord, matchWord } from '../cilium/policy-words.js'
import type { VerdictRecord } from '../datapath/record/decode.js'
import { connectionText } from './connection.js'
import { packetOf } from './packet-text.js'
import { hash, type Style } from './style.js'

export function verdictText(record: VerdictRecord, { names }: Style): string {
  const kind = { l3Device: record.l3Device, ipv6: record.ipv6, vxlan: false, geneve: false }
  return (
    `Policy verdict log: flow ${hash(record.hash)} local EP ID ${record.source},` +
    ` remote ID ${names.identity(record.remoteLabel)}, proto ${record.proto},` +
    ` ${record.ingress ? 'ingress' : 'egress'}, action ${actionWord(record.verdict, record.audited)},` +
    ` auth: ${authWord(record.authType)}, match ${matchWord(record.matchType)},` +
    ` ${connectionText(packetOf(record), kind)}\n`
  )
}
