// What the actions of millrace snowball take alike.
import { UsageError, type Values, wholeOption } from '../command.js'

export const text = (value: Values[string]) => (typeof value === 'string' ? value : undefined)

export function needed(values: Values, name: string, action: string): string {
  const value = text(values[name])
  if (!value) throw new UsageError(`${action} expected ${name === 'output' ? '-o OUT' : '-d DIR'}`)
  return value
}

export const planOptions = (source: string, values: Values) => ({
  source,
  prefix: text(values.prefix),
  chunkBytes: wholeOption(values, 'chunk-bytes', 0),
  chunkFiles: wholeOption(values, 'chunk-files', 0),
  smallBytes: wholeOption(values, 'small-bytes', 0),
})
