/**
 * strict-proto.ts - reads OTLP bodies and rejects every deviation from the protocol.
 *
 * In:    JSON by proto3's mapping, or the wire format; test/fixtures/otlp.proto defines the messages.
 * Out:   plain objects in lowerCamelCase, 64-bit numbers as decimal strings, enums as numbers.
 * Fail:  an Error that names the path: unknown field, wrong type, wrong wire type, trailing bytes.
 */
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = protobuf.loadSync(fileURLToPath(new URL('../fixtures/otlp.proto', import.meta.url)))
const SIXTY_FOUR = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'])
const THIRTY_TWO = new Set(['int32', 'uint32', 'sint32', 'fixed32', 'sfixed32'])
const WIRE: Readonly<Record<string, number>> = {
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  string: 2,
  bytes: 2,
  float: 5,
  fixed32: 5,
  sfixed32: 5,
}
const PACKED = 2

type Json = Readonly<Record<string, unknown>>

export function messageType(name: string): protobuf.Type {
  return root.lookupType(`otlp.${name}`)
}

/** A JSON body as the message `name`. */
export function readJson(name: string, text: string): Json {
  const type = messageType(name)
  const value = JSON.parse(text) as unknown
  checkMessage(type, value, name)
  return type.toObject(type.fromObject(value as Json), { longs: String, defaults: false }) as Json
}

/** A body in the wire format as the message `name`. */
export function readWire(name: string, bytes: Uint8Array): Json {
  const type = messageType(name)
  checkWire(type, protobuf.Reader.create(bytes), bytes.length, name)
  return type.toObject(type.decode(bytes), { longs: String, defaults: false }) as Json
}

function checkMessage(type: protobuf.Type, value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path}: not an object`)
  const oneofs = new Set<string>()
  for (const [key, found] of Object.entries(value)) {
    const field = type.fields[key]
    if (field === undefined) throw new Error(`${path}.${key}: no such field in ${type.name}`)
    const { partOf } = field.resolve()
    if (partOf !== null && partOf.oneof.length > 1) {
      if (oneofs.has(partOf.name)) throw new Error(`${path}.${key}: a second member of ${partOf.name}`)
      oneofs.add(partOf.name)
    }
    if (!field.repeated) checkValue(field, found, `${path}.${key}`)
    else if (!Array.isArray(found)) throw new Error(`${path}.${key}: not an array`)
    else for (const [i, each] of found.entries()) checkValue(field, each, `${path}.${key}[${i}]`)
  }
}

function checkValue(field: protobuf.Field, value: unknown, path: string): void {
  const { resolvedType, type } = field
  if (resolvedType instanceof protobuf.Type) checkMessage(resolvedType, value, path)
  else if (!isValue(type, resolvedType !== null, value))
    throw new Error(`${path}: ${JSON.stringify(value)} is not a ${type}`)
}

function isValue(type: string, isEnum: boolean, value: unknown): boolean {
  if (isEnum || THIRTY_TWO.has(type)) return Number.isInteger(value)
  if (SIXTY_FOUR.has(type)) return Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
  if (type === 'double') return typeof value === 'number'
  return type === 'bool' ? typeof value === 'boolean' : typeof value === 'string'
}

function checkWire(type: protobuf.Type, reader: protobuf.Reader, end: number, path: string): void {
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = type.fieldsById[tag >>> 3]
    if (field === undefined) throw new Error(`${path}: no field ${tag >>> 3} in ${type.name}`)
    const { resolvedType } = field.resolve()
    const own = resolvedType instanceof protobuf.Type ? 2 : (WIRE[field.type] ?? 0)
    const wire = tag & 7
    if (wire !== own && !(field.repeated && wire === PACKED))
      throw new Error(`${path}.${field.name}: wire type ${wire}`)
    if (!(resolvedType instanceof protobuf.Type)) {
      reader.skipType(wire)
      continue
    }
    const length = reader.uint32()
    checkWire(resolvedType, reader, reader.pos + length, `${path}.${field.name}`)
  }
  if (reader.pos !== end) throw new Error(`${path}: ends at ${reader.pos}, not at ${end}`)
}
