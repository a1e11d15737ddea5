// SPDX-License-Identifier: Apache-2.0
/**
 * monitor-server.ts - `weir monitor --server`: prints the raw records of a running Weir as they arrive.
 *
 * Fail:  an Error that names the address. A Hubble server has no raw records and answers UNIMPLEMENTED.
 */
import { ObserverClient } from '../hubble/api/client.js'
import type { Formatter } from '../monitor/formatter.js'
import { StandardOutput } from './standard-output.js'

/** The exit code. Returns when the server ends the stream; a signal ends the process. */
export async function monitorServer(server: string, formatter: Formatter, cpu: number): Promise<number> {
  const client = await ObserverClient.connect(server)
  const output = new StandardOutput()
  try {
    for await (const { record, lost } of client.getRecords(0, true)) {
      if (lost !== undefined) output.add(formatter.lost(lost, cpu))
      if (record !== undefined) {
        output.add(
          formatter.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, cpu),
        )
      }
      await output.flush()
      if (output.closed) break
    }
    return 0
  } finally {
    client.close()
  }
}
