// What parquetjs-lite has besides writing, so that a program that uses it is told so where it does: an
// import of a name that is not there fails with less.

const reading = 'read with hyparquet, DuckDB or parquetjs-lite itself'
const envelope = 'the bytes of a file come by ParquetWriter.openStream()'

function missing(name: string, instead: string): TypeError {
  return new TypeError(`"${name}" expected no use: millrace/parquetjs has the writing half of parquetjs-lite; ${instead}`)
}

/** Not supported: every use throws TypeError that names what to use. */
export class ParquetReader {
  constructor(..._: unknown[]) {
    throw missing('ParquetReader', reading)
  }
  static async openFile(..._: unknown[]): Promise<never> {
    throw missing('ParquetReader.openFile', reading)
  }
  static async openBuffer(..._: unknown[]): Promise<never> {
    throw missing('ParquetReader.openBuffer', reading)
  }
  static async openS3(..._: unknown[]): Promise<never> {
    throw missing('ParquetReader.openS3', reading)
  }
  static async openUrl(..._: unknown[]): Promise<never> {
    throw missing('ParquetReader.openUrl', reading)
  }
}

/** Not supported: every use throws TypeError that names what to use. */
export class ParquetEnvelopeReader {
  constructor(..._: unknown[]) {
    throw missing('ParquetEnvelopeReader', reading)
  }
  static async openFile(..._: unknown[]): Promise<never> {
    throw missing('ParquetEnvelopeReader.openFile', reading)
  }
  static async openBuffer(..._: unknown[]): Promise<never> {
    throw missing('ParquetEnvelopeReader.openBuffer', reading)
  }
}

/** Not supported: every use throws TypeError that names what to use. */
export class ParquetEnvelopeWriter {
  constructor(..._: unknown[]) {
    throw missing('ParquetEnvelopeWriter', envelope)
  }
  static async openStream(..._: unknown[]): Promise<never> {
    throw missing('ParquetEnvelopeWriter.openStream', envelope)
  }
}

/** Not supported: every use throws TypeError that names what to use. */
export class ParquetTransformer {
  constructor(..._: unknown[]) {
    throw missing('ParquetTransformer', 'give each row to appendRow() of a writer of openStream()')
  }
}
