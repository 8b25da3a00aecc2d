// --bad-records fail|skip|FILE: what a command does with records that it cannot use.
import { toBase64 } from '../engine/base64.js'
import type { FileWriter } from '../ports/ports.js'
import type { Io } from './command.js'

interface Bad {
  source?: string
  record: number
  line: number
  offset: number
  position: number
  column?: string
  reason: string
  message: string
  text: Uint8Array
}

export interface BadRecords {
  policy: 'fail' | 'skip' | ((bad: Bad) => void)
  /** How many there were. */
  readonly count: number
  /** The file they go to. */
  target: string | undefined
  /** Writes what came since the last call. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** What FILE holds; for the help of commands. */
export const badRecordsHelp = `FILE: they are written to FILE, a line of JSON each: source,
                            record, line, offset, position, column, reason, message and
                            raw, its bytes (rawBase64 where they are not UTF-8);
                            jq -r '.rawBase64 // (.raw | @base64)' FILE | base64 -d
                            gives the records back`

// Reasons beyond these are counted only: a wrong schema would else print one line a record.
const TOLD = 10

/** The file is made by the first flush(): what else is wrong with the command line must not have emptied it. */
export function badRecordsTo(io: Io, how: string): BadRecords {
  const target = how === 'fail' || how === 'skip' ? undefined : how
  let file: FileWriter | undefined
  const encoder = new TextEncoder()
  let pending: string[] = []
  let told = 0
  const tell = (bad: Bad) => {
    if (told < TOLD) io.log(`${bad.source ?? 'input'}, line ${bad.line}, byte ${bad.position}: ${bad.message}; left out`)
    if (told === TOLD) io.log('further bad records are only counted')
    told++
    if (target !== undefined) pending.push(line(bad))
  }
  return {
    policy: how === 'fail' ? 'fail' : tell,
    target,
    get count() {
      return told
    },
    async flush() {
      if (target === undefined) return
      file ??= await io.ports.storage.create(target)
      const lines = pending
      pending = []
      for (const text of lines) await file.write(encoder.encode(text))
    },
    close: async () => file?.close(),
  }
}

function line({ source, record, line, offset, position, column, reason, message, text }: Bad): string {
  return `${JSON.stringify({ source, record, line, offset, position, column, reason, message, ...raw(text) })}\n`
}

function raw(text: Uint8Array): { raw: string } | { rawBase64: string } {
  try {
    return { raw: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text) }
  } catch {
    return { rawBase64: toBase64(text) }
  }
}
