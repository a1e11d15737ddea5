/**
 * proto.ts - the gRPC library and the services that the .proto files beside this one describe, loaded when first needed.
 *
 * Out:   methods with their (de)serializers. Names are the proto's, enums their names, 64-bit numbers decimal text, and
 *        what holds its zero value is absent: the form of flow.ts.
 * Fail:  an enum's number that has no name stays a number, in both directions.
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
  /** Field names of a message, each with the name of its message type, '' for what is none. */
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
