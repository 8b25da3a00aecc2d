// What the actions of millrace snowball take alike.
import type { PlanWarning } from '../../snowball/plan/planned.js'
import { type Io, oneOf, UsageError, type Values, wholeOption } from '../command.js'
import { place } from '../figures.js'

export const text = (value: Values[string]) => (typeof value === 'string' ? value : undefined)

export function needed(values: Values, name: string, action: string): string {
  const value = text(values[name])
  if (!value) throw new UsageError(`${action} expected ${name === 'output' ? '-o OUT' : '-d DIR'}`)
  return value
}

/** The options of planning, without what is planned. */
export const PLANNING = ['prefix', 'destination', 'chunk-bytes', 'chunk-files', 'small-bytes', 'device-bytes', 'collisions']

export const planning = (values: Values) => ({
  prefix: text(values.prefix),
  destination: text(values.destination),
  chunkBytes: wholeOption(values, 'chunk-bytes', 0),
  chunkFiles: wholeOption(values, 'chunk-files', 0),
  smallBytes: wholeOption(values, 'small-bytes', 0),
  deviceBytes: devices(values),
  collisions: values.collisions === undefined ? undefined : oneOf(values, 'collisions', ['warn', 'fail', 'ignore']),
})

/** One capacity, for as many devices as it takes, or several for just those. */
function devices(values: Values): number | number[] | undefined {
  const given = text(values['device-bytes'])
  if (given === undefined) return undefined
  const all = given.split(',').map((one) => wholeOption({ 'device-bytes': one }, 'device-bytes', 1) as number)
  return all.length === 1 ? all[0] : all
}

/** Whether a path is a directory; else it is a file, which `what` names and which is read more than once. */
export async function isDirectory({ ports: { storage } }: Io, path: string, what: string): Promise<boolean> {
  if (path === '-') throw new UsageError(`expected a directory or a file, got standard input: ${what} is read more than once`)
  // what is not there is told by whoever reads it
  const stat = await storage.resolve(path).then(storage.stat, () => undefined)
  return stat?.kind !== 'file' && stat?.kind !== 'fifo'
}

/** Warnings that are told; there may be as many as files. */
const WARNINGS = 100

/** What pack() is to pack: a directory, or what a plan says. */
export async function packing(path: string, values: Values, io: Io) {
  const source = text(values.source)
  let warnings = 0
  const onWarning = ({ path, message }: PlanWarning) => {
    if (warnings++ < WARNINGS) io.log(`${place(path)}: ${message}`)
    else if (warnings === WARNINGS + 1) io.log('... and more; a plan has them all')
  }
  const options = { ...planning(values), onWarning }
  if (!(await isDirectory(io, path, 'a plan'))) return { ...options, plan: path, source }
  if (source !== undefined) throw new UsageError('pack takes --source with a plan only')
  return { ...options, source: path }
}
