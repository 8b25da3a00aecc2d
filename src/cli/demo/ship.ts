// Parquet files into Snowball chunks, verified against their manifest and their source, and out again.
import { MillraceError } from '../../errors.js'
import { packSnowball, unpackSnowball, verifySnowball } from '../../snowball/index.js'
import type { Line } from './stage.js'

/** Small enough that the default run fills more than one. */
const CHUNK_BYTES = 2_000_000

export interface Shipped {
  chunks: number
  chunkBytes: number
}

/** `source` is packed into `output` and unpacked into `directory`. Throws CORRUPT where anything is off. */
export async function ship({ io, meter }: Line, source: string, output: string, directory: string, files: { count: number; bytes: number }): Promise<Shipped> {
  const { ports, signal } = io
  const sound = (what: string, problems: readonly object[]) => {
    if (problems.length > 0) throw new MillraceError('CORRUPT', `${what}: ${problems.length} problems; the first: ${JSON.stringify(problems[0])}`)
  }

  const packing = meter.begin('pack', files.count, 'files')
  const packed = await packing.time(() => packSnowball({ source, output, ports, signal, chunkBytes: CHUNK_BYTES }))
  sound('pack', packed.failures)
  const chunkBytes = await sizeOf(io.ports.storage, output)
  packing.add(packed.members, packed.bytes, chunkBytes)
  packing.end()

  const verifying = meter.begin('verify', files.count, 'files')
  const verified = await verifying.time(() => verifySnowball({ output, source, ports, signal }))
  sound('verify', verified.problems)
  verifying.add(verified.members, verified.bytes, 0)
  verifying.end()

  const unpacking = meter.begin('unpack', files.count, 'files')
  const unpacked = await unpacking.time(() => unpackSnowball({ output, directory, ports, signal }))
  sound('unpack', unpacked.problems)
  unpacking.add(unpacked.files, chunkBytes, unpacked.bytes)
  unpacking.end()

  if (unpacked.files !== files.count || unpacked.bytes !== files.bytes)
    throw new MillraceError('CORRUPT', `unpack: expected ${files.count} files of ${files.bytes} bytes, got ${unpacked.files} of ${unpacked.bytes}`)
  return { chunks: packed.chunks, chunkBytes }
}

async function sizeOf(storage: Line['io']['ports']['storage'], folder: string): Promise<number> {
  let bytes = 0
  for await (const { name, kind } of storage.list(folder)) if (kind === 'file' && name.endsWith('.tar')) bytes += (await storage.stat(`${folder}/${name}`)).size
  return bytes
}
