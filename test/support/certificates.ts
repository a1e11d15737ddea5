/**
 * certificates.ts - makes certificate authorities and certificates for tests with openssl, in a folder.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Pair {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })

/** A self-signed authority. */
export function authority(folder: string, name: string): Pair {
  const pair = newPair(folder, name)
  openssl('req', '-x509', '-new', '-key', pair.keyFile, '-subj', `/CN=${name}`, '-days', '2', '-out', pair.certFile)
  return read(pair)
}

/** A certificate signed by `by`. `names` in openssl's syntax: `DNS:a,IP:127.0.0.1`. */
export function signed(folder: string, name: string, by: Pair, names: string): Pair {
  const pair = newPair(folder, name)
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)]
  writeFileSync(extensions, `subjectAltName=${names}\n`)
  openssl('req', '-new', '-key', pair.keyFile, '-subj', `/CN=${name}`, '-out', request)
  const signer = ['-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial']
  openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', extensions, '-out', pair.certFile)
  return read(pair)
}

function newPair(folder: string, name: string) {
  const keyFile = join(folder, `${name}.key`)
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyFile)
  return { certFile: join(folder, `${name}.crt`), keyFile }
}

function read({ certFile, keyFile }: { certFile: string; keyFile: string }): Pair {
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}
