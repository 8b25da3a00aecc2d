// millrace snowball verify: chunks against their manifest, and the tree; or the manifest against what a bucket has.

import { checkImport, type ImportOptions } from '../../snowball/verify/imported.js'
import { ABSENT, verify } from '../../snowball/verify/verify.js'
import { type Io, oneOf, UsageError, type Values } from '../command.js'
import { count, grouped, place, size } from '../figures.js'
import { byKind, meter } from './meter.js'
import { text } from './options.js'

const LISTS = ['inventory', 'success-log', 'failure-log']
const OF_LISTS = ['archives', 'fields', 'keys', 'key-prefix']
const OF_SOURCE = ['source', 'listed']

export async function verified(output: string, values: Values, io: Io): Promise<number> {
  const list = LISTS.find((name) => values[name] !== undefined)
  const stray = (list === undefined ? OF_LISTS : OF_SOURCE).find((name) => values[name] !== undefined)
  if (stray !== undefined)
    throw new UsageError(
      list === undefined ? `--${stray} expected ${LISTS.map((name) => `--${name}`).join(' or ')}` : `--${stray} and --${list} are two checks: run it twice`,
    )
  return list === undefined ? readAll(output, values, io) : imported(output, values, io)
}

async function readAll(output: string, values: Values, io: Io): Promise<number> {
  const rate = meter(io, 'verified')
  const source = text(values.source)
  const compared = { files: 0, bytes: 0 }
  const summary = await verify({
    output,
    source,
    listed: values.listed === true,
    ports: io.ports,
    signal: io.signal,
    onProgress({ stage, chunk, chunks, members, bytes, total }) {
      if (stage === 'source') Object.assign(compared, { files: members, bytes })
      rate.tell(members, bytes, stage === 'source' || !total ? chunk : `chunk ${Math.min(chunks + 1, total.chunks)} of ${total.chunks}`, total?.bytes)
    },
  })
  const { chunks, members, bytes, failed, kinds, problems } = summary
  if (!values.json) {
    tellProblems(io, summary)
    if (chunks === 0 && members === 0 && problems.some(({ message }) => message === ABSENT))
      io.log(`no chunk is in ${output}: if they went to a bucket, give ${output}/manifest.ndjson, and see --inventory for what arrived`)
  }
  const done = [count(chunks, 'chunk')]
  if (source !== undefined) done.push(`${count(compared.files, 'file')} of ${source}`)
  else if (failed > 0) done.push(`${count(failed, 'file')} left out when packed`)
  done.push(count(summary.problemCount, 'problem'))
  const figures = { chunks: grouped(chunks), files: grouped(members), size: size(bytes), ...byKind(kinds) }
  // of the manifest alone no chunk was read
  const read = members > 0 ? { files: members, bytes } : compared
  await rate.done(read.files, read.bytes, done.join(', '), values.json ? summary : undefined, figures)
  return summary.problemCount > 0 ? 1 : 0
}

async function imported(output: string, values: Values, io: Io): Promise<number> {
  const options: ImportOptions = {
    output,
    inventory: values.inventory as string[] | undefined,
    archives: values.archives === true,
    successLogs: values['success-log'] as string[] | undefined,
    failureLogs: values['failure-log'] as string[] | undefined,
    fields: text(values.fields),
    keys: values.keys === undefined ? undefined : oneOf(values, 'keys', ['url', 'plain']),
    keyPrefix: text(values['key-prefix']),
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ rows, problems }) => io.progress(`compared ${count(rows, 'row')}, ${count(problems, 'problem')}`),
  }
  const summary = await checkImport(options)
  io.progress('')
  if (values.json) await io.write(`${JSON.stringify(summary)}\n`)
  else {
    tellProblems(io, summary)
    for (const { chunk, key, problems } of summary.again) io.log(`send again: ${chunk ?? JSON.stringify(key)} (${count(problems, 'problem')})`)
    if (summary.expected > 0 && summary.right === 0 && summary.extra > 0)
      io.log('no key of the manifest is listed: is --key-prefix what the chunks were put under, with its / at the end?')
    const extra = summary.extra > 0 ? `; ${grouped(summary.extra)} listed that are not in the manifest, such as ${JSON.stringify(summary.extras[0])}` : ''
    const of =
      summary.expected > 0 ? `${grouped(summary.right)} of ${count(summary.expected, values.archives ? 'archive' : 'file')} are there as they should be, ` : ''
    const kinds = Object.entries(summary.kinds).map(([kind, n]) => `${grouped(n)} ${kind}`)
    io.log(`${of}${count(summary.problemCount, 'problem')}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}${extra}`)
  }
  return summary.problemCount > 0 ? 1 : 0
}

function tellProblems(io: Io, { problems, problemCount }: { problems: { where: string; message: string }[]; problemCount: number }): void {
  for (const { where, message } of problems) io.log(`${place(where)}: ${message}`)
  if (problemCount > problems.length) io.log(`... and ${grouped(problemCount - problems.length)} more`)
}
