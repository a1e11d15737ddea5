// SPDX-License-Identifier: Apache-2.0
/**
 * certificate.ts - makes a new self-signed certificate for 127.0.0.1 and localhost each time, so that no key is ever stored.
 *
 * Out:   key and certificate, PEM.
 * Fail:  an Error that names the missing program.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

const run = promisify(execFile)
const DAYS = '2'

export async function selfSigned(): Promise<Certificate> {
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
  const subject = ['-subj', '/CN=weir-lab', '-addext', names, '-days', DAYS]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    const { stdout } = await run('openssl', ['req', '-x509', ...key, '-keyout', '-', '-out', '-', ...subject])
    const at = stdout.indexOf('-----BEGIN CERTIFICATE-----')
    return { key: stdout.slice(0, at), cert: stdout.slice(at) }
  } catch (error) {
    throw new Error(`the lab's API server needs a certificate: openssl: ${(error as Error).message.split('\n', 1)[0]}`)
  }
}
