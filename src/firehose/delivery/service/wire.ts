// Requests and answers of Firehose's API: AWS JSON 1.1.
import { fromBase64 } from '../../../engine/base64.js'

/** A request, its headers' names in lower case. */
export interface ServiceRequest {
  headers: Readonly<Record<string, string | undefined>>
  body: Uint8Array
}

export interface ServiceAnswer {
  status: number
  headers: Record<string, string>
  body: Uint8Array
}

/** An error as the service answers it. */
export class ServiceError extends Error {
  readonly status: number
  constructor(name: string, message: string, status = 400) {
    super(message)
    this.name = name
    this.status = status
  }
}

const TYPE = 'application/x-amz-json-1.1'
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const answer = (status: number, requestId: string, value: object, more: Record<string, string> = {}): ServiceAnswer => ({
  status,
  headers: { 'content-type': TYPE, 'x-amzn-requestid': requestId, ...more },
  body: encoder.encode(JSON.stringify(value)),
})

export const success = (requestId: string, value: object): ServiceAnswer => answer(200, requestId, value)

export const failure = (requestId: string, { name, message, status }: ServiceError): ServiceAnswer =>
  answer(status, requestId, { __type: name, message }, { 'x-amzn-errortype': name })

/** Of `Firehose_20150804.PutRecord`. */
export function operationOf({ headers }: ServiceRequest): string {
  const [, operation] = /^Firehose_20150804\.(\w+)$/.exec(headers['x-amz-target'] ?? '') ?? []
  if (operation === undefined) throw new ServiceError('UnknownOperationException', 'The requested Firehose operation is not recognized.')
  return operation
}

export type Input = Readonly<Record<string, unknown>>

export function inputOf({ body }: ServiceRequest): Input {
  let value: unknown
  try {
    value = body.length === 0 ? {} : JSON.parse(decoder.decode(body))
  } catch {
    throw new ServiceError('SerializationException', 'Invalid request body: expected JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw serialization('the request', 'an object')
  return value as Input
}

const serialization = (member: string, expected: string) => new ServiceError('SerializationException', `Expected ${expected} as ${member}.`)

export const violation = (member: string, constraint: string) =>
  new ServiceError('ValidationException', `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must ${constraint}`)

/** Text; undefined where the member is not there. */
export function textOf(input: Input, member: string): string | undefined {
  const value = Object.hasOwn(input, member) ? input[member] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw serialization(member, 'text')
  return value
}

export function listOf(input: Input, member: string, least: number, most: number): unknown[] {
  const value = Object.hasOwn(input, member) ? input[member] : undefined
  const name = member[0].toLowerCase() + member.slice(1)
  if (value === undefined || value === null) throw violation(name, 'not be null')
  if (!Array.isArray(value)) throw serialization(member, 'a list')
  if (value.length < least) throw violation(name, `have length greater than or equal to ${least}`)
  if (value.length > most) throw violation(name, `have length less than or equal to ${most}`)
  return value
}

/** A whole number; the fallback where the member is not there. */
export function numberOf(input: Input, member: string, least: number, most: number, fallback: number): number {
  const value = Object.hasOwn(input, member) ? input[member] : undefined
  if (value === undefined || value === null) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value)) throw serialization(member, 'a whole number')
  const name = member[0].toLowerCase() + member.slice(1)
  if (value < least) throw violation(name, `have value greater than or equal to ${least}`)
  if (value > most) throw violation(name, `have value less than or equal to ${most}`)
  return value
}

/** The bytes of a Record. */
export function recordOf(value: unknown, member: string, most: number): Uint8Array {
  if (value === undefined || value === null) throw violation(member, 'not be null')
  const data: unknown = typeof value === 'object' && Object.hasOwn(value, 'Data') ? (value as { Data?: unknown }).Data : undefined
  if (data === undefined || data === null) throw violation(`${member}.data`, 'not be null')
  if (typeof data !== 'string') throw serialization(`${member}.data`, 'base64 text')
  let bytes: Uint8Array
  try {
    bytes = fromBase64(data)
  } catch {
    throw serialization(`${member}.data`, 'base64 text')
  }
  if (bytes.length > most) throw violation(`${member}.data`, `have length less than or equal to ${most}`)
  return bytes
}
