// SPDX-License-Identifier: Apache-2.0
/**
 * proto.ts - loads the gRPC library and the services described in proto/, when first needed.
 *
 * Out:   methods with their (de)serializers. Field names are the proto's, enums are names, 64-bit numbers are decimal
 *        text, and zero values are absent: the form of flow.ts.
 * Fail:  an enum number without a name stays a number, in both directions.
 */
import { fileURLToPath } from 'node:url'
import type * as Grpc from '@grpc/grpc-js'
import type { Message } from './message.js'

type GrpcLibrary = typeof Grpc
export type Method = Grpc.MethodDefinition<Message, Message>
type Service = Readonly<Record<string, Method>>

export interface Api {
  readonly grpc: GrpcLibrary
  readonly observer: Service
  readonly peer: Service
  readonly weir: Service
  /** Field names of a message, each with the name of its message type, or '' for a scalar. */
  fields(message: string): ReadonlyMap<string, string>
}

interface FieldDescriptor {
  readonly name: string
  readonly type: string
  readonly typeName: string
}

const DIRECTORY = fileURLToPath(new URL('./proto/', import.meta.url))
const FILES = ['observer.proto', 'peer.proto', 'weir.proto']

let loading: Promise<Api> | undefined

/** The library takes some 150 ms and 20 MB, so commands without the API never load it. */
export function loadApi(): Promise<Api> {
  loading ??= load()
  return loading
}

async function load(): Promise<Api> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  const definition = await loader.load(FILES, {
    includeDirs: [DIRECTORY],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: false,
  })
  const service = (name: string) => definition[name] as unknown as Service
  const fields = (name: string) => {
    const { type } = definition[name] as unknown as { type: { field: FieldDescriptor[] } }
    return new Map(type.field.map(field => [field.name, field.type === 'TYPE_MESSAGE' ? field.typeName : '']))
  }
  return {
    grpc,
    observer: service('observer.Observer'),
    peer: service('peer.Peer'),
    weir: service('weir.Weir'),
    fields,
  }
}
