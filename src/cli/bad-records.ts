// --bad-records fail|skip|FILE: what a command does with records that it cannot use.
import type { FileWriter } from '../ports/ports.js'
import type { Io } from './command.js'

interface Bad {
  source?: string
  record: number
  position: number
  message: string
  text: Uint8Array
}

export interface BadRecords {
  policy: 'fail' | 'skip' | ((bad: Bad) => void)
  /** The file they go to. */
  target: string | undefined
  /** Writes what came since the last call. */
  flush(): Promise<void>
  close(): Promise<void>
}

// Reasons beyond these are counted only: a wrong schema would else print one line a record.
const TOLD = 10

export async function badRecordsTo(io: Io, how: string): Promise<BadRecords> {
  const target = how === 'fail' || how === 'skip' ? undefined : how
  const file: FileWriter | undefined = target === undefined ? undefined : await io.ports.storage.create(target)
  let pending: Uint8Array[] = []
  let told = 0
  const tell = (bad: Bad) => {
    if (told < TOLD) io.log(`${bad.source ?? 'input'}, record ${bad.record}, byte ${bad.position}: ${bad.message}; left out`)
    if (told === TOLD) io.log('further bad records are only counted')
    told++
    if (file && bad.text.length > 0) pending.push(bad.text.at(-1) === 10 ? bad.text : line(bad.text))
  }
  return {
    policy: how === 'fail' ? 'fail' : tell,
    target,
    async flush() {
      const texts = pending
      pending = []
      for (const text of texts) await file?.write(text)
    },
    close: async () => file?.close(),
  }
}

function line(text: Uint8Array): Uint8Array {
  const all = new Uint8Array(text.length + 1)
  all.set(text)
  all[text.length] = 10
  return all
}
