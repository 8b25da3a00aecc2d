// Requests and answers of Kinesis as the SDKs send them: JSON 1.1, in which bytes are base64, or CBOR.
import { fromBase64, toBase64 } from '../../engine/base64.js'
import type { HttpAnswer, HttpRequest } from '../../ports/node-server.js'
import { decodeCbor, encodeCbor } from './cbor.js'

export const CBOR = 'application/x-amz-cbor-1.1'
export const JSON_11 = 'application/x-amz-json-1.1'

export interface Entry {
  Data: Uint8Array
  PartitionKey?: string
  ExplicitHashKey?: string
}

export const operationOf = ({ headers }: HttpRequest): string => (headers['x-amz-target'] ?? '').split('.')[1] ?? ''
export const typeOf = ({ headers }: HttpRequest): string => ((headers['content-type'] ?? '').split(';')[0].trim() === CBOR ? CBOR : JSON_11)

/** Undefined where the body is none. */
export function readBody(type: string, body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = type === CBOR ? decodeCbor(body) : JSON.parse(new TextDecoder().decode(body))
    return value !== null && typeof value === 'object' ? value : undefined
  } catch {
    return undefined
  }
}

export const writeBody = (type: string, value: object): Uint8Array => (type === CBOR ? encodeCbor(value) : new TextEncoder().encode(JSON.stringify(value)))

/** A record of a PutRecords; undefined where it has not the shape of one. */
export function readEntry(value: unknown): Entry | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const { Data, PartitionKey, ExplicitHashKey } = value as Record<string, unknown>
  try {
    const bytes = Data instanceof Uint8Array ? Data : typeof Data === 'string' ? fromBase64(Data) : undefined
    if (!bytes) return undefined
    return {
      Data: bytes,
      ...(typeof PartitionKey === 'string' ? { PartitionKey } : {}),
      ...(typeof ExplicitHashKey === 'string' ? { ExplicitHashKey } : {}),
    }
  } catch {
    return undefined
  }
}

export const writeEntry = (type: string, { Data, ...keys }: Entry) => ({ ...keys, Data: type === CBOR ? Data : toBase64(Data) })

export function answer(type: string, status: number, value: object): HttpAnswer {
  return { status, headers: { 'content-type': type }, body: writeBody(type, value) }
}

/** An error as the service words it. */
export function errorAnswer(type: string, status: number, name: string, message: string): HttpAnswer {
  const { body } = answer(type, status, { __type: name, message })
  return { status, headers: { 'content-type': type, 'x-amzn-errortype': name }, body }
}
