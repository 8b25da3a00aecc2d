// Bodies of delivered objects as Firehose compresses them (CompressionFormat). The bytes are those of
// captures: Snappy is the stream of snappy-java, not the framing format of Google's.
import { concat } from '../../bytes.js'
import { snappyBlocks } from '../../engine/snappy.js'
import { outOfRange } from '../../errors.js'
import { neededGzip } from '../../ports/compression.js'

export type CompressionFormat = 'UNCOMPRESSED' | 'GZIP' | 'ZIP' | 'Snappy' | 'HADOOP_SNAPPY'

export interface ObjectCodec {
  /** With its point; empty where there is none. */
  readonly extension: string
  /** Content-Encoding of the object; undefined where it has none. */
  readonly contentEncoding: string | undefined
  /** `name`: of the one entry of a ZIP. */
  compress(body: Uint8Array, name: string): Promise<Uint8Array>
}

/** Bytes of text that one block of snappy-java holds. */
const BLOCK = 32 * 1024
/** \x82SNAPPY\0, version 1, compatible with version 1. */
const XERIAL = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)

const encoder = new TextEncoder()

const CODECS: Readonly<Record<CompressionFormat, ObjectCodec>> = {
  UNCOMPRESSED: { extension: '', contentEncoding: undefined, compress: async (body) => body },
  GZIP: { extension: '.gz', contentEncoding: 'gzip', compress: async (body) => neededGzip()(body) },
  ZIP: { extension: '.zip', contentEncoding: 'zip', compress: zip },
  Snappy: {
    extension: '.snappy',
    contentEncoding: 'snappy-java',
    async compress(body) {
      return concat([XERIAL, ...snappyBlocks(body, BLOCK).flatMap((block) => [big(block.length), block])])
    },
  },
  // The guide says .hsnappy; real objects were seen with .snappy.
  HADOOP_SNAPPY: {
    extension: '.snappy',
    contentEncoding: 'hadoop-snappy',
    async compress(body) {
      return concat(snappyBlocks(body, BLOCK).flatMap((block, i) => [big(Math.min(BLOCK, body.length - i * BLOCK)), big(block.length), block]))
    },
  },
}

export const COMPRESSION_FORMATS = Object.keys(CODECS) as CompressionFormat[]

/** Throws RangeError naming `label` for a format that Firehose has not. */
export function objectCodec(format: string, label: string): ObjectCodec {
  if (!Object.hasOwn(CODECS, format)) throw outOfRange(label, `one of ${COMPRESSION_FORMATS.join(', ')}`, format)
  return CODECS[format as CompressionFormat]
}

function big(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

/**
 * One DEFLATE entry (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16). Its data, CRC-32 and sizes are those of a gzip
 * member (RFC 1952: ten bytes of header, eight of trailer). The date is 1 January 1980, the first there is.
 */
async function zip(body: Uint8Array, name: string): Promise<Uint8Array> {
  const member = await neededGzip()(body)
  const data = member.subarray(10, member.length - 8)
  const view = new DataView(member.buffer, member.byteOffset, member.length)
  const file = encoder.encode(name)
  // From "version needed" to the lengths of name and extra field, which both headers have.
  const common = new Uint8Array(26)
  const fields = new DataView(common.buffer)
  fields.setUint16(0, 20, true)
  fields.setUint16(2, 0x0800, true) // the name is UTF-8
  fields.setUint16(4, 8, true)
  fields.setUint16(8, 0x21, true)
  fields.setUint32(10, view.getUint32(member.length - 8, true), true)
  fields.setUint32(14, data.length, true)
  fields.setUint32(18, body.length, true)
  fields.setUint16(22, file.length, true)
  const local = concat([Uint8Array.of(0x50, 0x4b, 3, 4), common, file, data])
  // Version made by before it; lengths of comment, disk, attributes and the offset of the local header, 0, behind.
  const central = concat([Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), common, new Uint8Array(14), file])
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(8, 1, true)
  end.setUint16(10, 1, true)
  end.setUint32(12, central.length, true)
  end.setUint32(16, local.length, true)
  return concat([local, central, new Uint8Array(end.buffer)])
}
