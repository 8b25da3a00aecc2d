// The leaf types by name, our own and Hive's, and what may be said of each.
import { kindOf, outOfRange, wrongType } from '../../errors.js'
import type { EpochUnit, Leaf, LeafType, TimeUnit } from '../../types.js'

/** What may be said of a leaf besides its type; see Leaf for the meaning. */
export interface LeafOptions {
  /** Of a timestamp or time; default ms. Spark before 4 reads no ns. */
  unit?: TimeUnit
  /** Of a timestamp: what numbers in the JSON count; default its unit. auto: below 1e12 seconds, else milliseconds. */
  epoch?: EpochUnit
  /** Of a timestamp: kept as INT96, which has no unit, for Hive before 4. Default false. */
  int96?: boolean
  /** Of a timestamp: false where it is a wall-clock time of no zone. Default true: a moment. */
  utc?: boolean
  /** Of binary: what its JSON text is; default base64. */
  encoding?: 'base64' | 'hex'
}

export const LEAF_OPTIONS = ['unit', 'epoch', 'int96', 'utc', 'encoding'] as const

const UNITS: readonly TimeUnit[] = ['ms', 'us', 'ns']
const EPOCHS: readonly EpochUnit[] = ['s', 'ms', 'us', 'ns', 'auto']

/** Names without parameters. Hive's are of the Hive language manual, "LanguageManual Types". */
const NAMES = new Map<string, LeafType>([
  ...(['boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double'] as const).map((name) => [name, name] as const),
  ...(['string', 'json', 'binary', 'uuid', 'date', 'time', 'timestamp'] as const).map((name) => [name, name] as const),
  ['tinyint', 'int8'],
  ['smallint', 'int16'],
  ['int', 'int32'],
  ['integer', 'int32'],
  ['bigint', 'int64'],
])

/** Names with a length, which Parquet does not have, and the longest. */
const LENGTHS = new Map([
  ['char', 255],
  ['varchar', 65535],
])

export const TYPE_NAMES =
  'boolean, int8 to int64, uint8 to uint64, float, double, decimal(p,s), string, json, binary, uuid, date, time, timestamp, list, map or struct'

/** The leaf that `word`, in lower case, names; undefined where it names none. `parameters` reads `(n,...)`. */
export function leafOf(word: string, parameters: (ranges: readonly Range[]) => number[]): Leaf | undefined {
  const type = NAMES.get(word)
  if (type) return { type }
  if (word === 'decimal' || word === 'dec' || word === 'numeric') {
    const [precision = 10, scale = 0] = parameters([
      { what: 'a precision', least: 1, most: 38, optional: true },
      { what: 'a scale', least: 0, most: 'first', optional: true },
    ])
    return { type: 'decimal', precision, scale }
  }
  const most = LENGTHS.get(word)
  if (most === undefined) return undefined
  parameters([{ what: 'a length', least: 1, most }])
  return { type: 'string' }
}

/** What a parameter may be; `first`: at most what the first parameter is. */
export interface Range {
  what: string
  least: number
  most: number | 'first'
  optional?: boolean
}

/** `leaf` with its options, checked, and the defaults that files depend on. `options` may be of unknown origin. */
export function withOptions(leaf: Leaf | undefined, options: Record<string, unknown>, label: string): Leaf | undefined {
  const timed = leaf?.type === 'timestamp'
  const owners = {
    unit: timed || leaf?.type === 'time' ? '' : 'a timestamp or time',
    epoch: timed ? '' : 'a timestamp',
    int96: timed ? '' : 'a timestamp',
    utc: timed ? '' : 'a timestamp',
    encoding: leaf?.type === 'binary' ? '' : 'binary',
  }
  for (const name of LEAF_OPTIONS) {
    const value = options[name]
    if (value !== undefined && owners[name] !== '') throw outOfRange(`${label}.${name}`, `nothing, for only ${owners[name]} has one`, value)
  }
  if (!leaf) return undefined
  const { unit, epoch, int96, utc, encoding } = options
  if (unit !== undefined && !UNITS.includes(unit as TimeUnit)) throw outOfRange(`${label}.unit`, `one of ${UNITS.join(', ')}`, unit)
  if (epoch !== undefined && !EPOCHS.includes(epoch as EpochUnit)) throw outOfRange(`${label}.epoch`, `one of ${EPOCHS.join(', ')}`, epoch)
  if (int96 !== undefined && typeof int96 !== 'boolean') throw wrongType(`${label}.int96`, 'true or false', int96)
  if (utc !== undefined && typeof utc !== 'boolean') throw wrongType(`${label}.utc`, 'true or false', utc)
  if (encoding !== undefined && encoding !== 'base64' && encoding !== 'hex') throw outOfRange(`${label}.encoding`, 'base64 or hex', encoding)
  if (int96 && unit !== undefined) throw outOfRange(`${label}.unit`, 'nothing, for INT96 counts nanoseconds', unit)
  const checked: Leaf = { ...leaf }
  if (unit !== undefined) checked.unit = unit as TimeUnit
  if (epoch !== undefined) checked.epoch = epoch as EpochUnit
  if (int96) {
    checked.int96 = true
    delete checked.unit
  } else if (timed || leaf.type === 'time') checked.unit ??= 'ms'
  if (utc === false) checked.utc = false
  if (encoding === 'hex') checked.encoding = 'hex'
  return checked
}

/** Whether a JSON key can say a value of `leaf`: any but a document. */
export function isKey(leaf: Leaf | undefined): boolean {
  return leaf !== undefined && leaf.type !== 'json'
}

/** Checks a name of a column or member, or the JSON key behind it. */
export function checkName(label: string, name: unknown): asserts name is string {
  if (typeof name !== 'string') throw wrongType(label, 'a string', name)
  if (name === '' || /\p{Surrogate}/u.test(name)) throw outOfRange(label, 'a name that has characters and is valid Unicode', name)
}

export function unknownType(label: string, value: unknown): RangeError {
  return new RangeError(`"${label}" expected ${TYPE_NAMES}, got ${kindOf(value)}`)
}
