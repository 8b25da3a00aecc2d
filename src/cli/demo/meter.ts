// Records, bytes and busy time per stage, and the progress line while they run.
import { residentBytes } from '../../ports/node-place.js'
import type { Io } from '../command.js'

export interface Stage {
  name: string
  /** What `records` counts: records, or files. */
  unit: 'records' | 'files'
  records: number
  /** What the stage took in, in bytes. */
  bytesIn: number
  bytesOut: number
  /** Time spent in the stage itself; in a pipeline the stages take turns. */
  milliseconds: number
}

export interface Meter {
  readonly stages: Stage[]
  /** The most resident memory seen, looked at with every batch. */
  peakBytes(): number
  /** A stage that will see `expected` records (or files); stages of one pipeline are all begun before the first record. */
  begin(name: string, expected: number, unit?: Stage['unit']): StageMeter
}

export interface StageMeter {
  /** Runs `work` on the stage's clock. */
  time<T>(work: () => T | Promise<T>): Promise<T>
  add(records: number, bytesIn: number, bytesOut: number): void
  /** Prints the stage's line. */
  end(): void
}

export const count = (n: number) => n.toLocaleString('en-US')
export const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
export const rate = (bytes: number, milliseconds: number) => (milliseconds > 0 ? (bytes / 1e3 / milliseconds).toFixed(1) : '-')

export function createMeter(io: Io): Meter {
  const stages: Stage[] = []
  const { clock } = io.ports
  let peak = 0
  return {
    stages,
    peakBytes: () => peak,
    begin(name, expected, unit = 'records') {
      const stage: Stage = { name, unit, records: 0, bytesIn: 0, bytesOut: 0, milliseconds: 0 }
      stages.push(stage)
      const line = () =>
        `${stage.name.padEnd(9)} ${count(stage.records).padStart(9)} ${stage.unit.padEnd(7)} ${megabytes(stage.bytesIn).padStart(7)} MB ${rate(stage.bytesIn, stage.milliseconds).padStart(6)} MB/s`
      const show = () => io.progress(`${bar(stage.records / expected, Math.min(24, io.columns - 55))} ${line()}`)
      show()
      return {
        async time(work) {
          const start = clock.monotonic()
          try {
            return await work()
          } finally {
            stage.milliseconds += clock.monotonic() - start
          }
        },
        add(records, bytesIn, bytesOut) {
          stage.records += records
          stage.bytesIn += bytesIn
          stage.bytesOut += bytesOut
          peak = Math.max(peak, residentBytes())
          show()
        },
        end() {
          io.progress('')
          io.log(`${io.color ? '\x1b[32m✓\x1b[0m' : '-'} ${line()}`)
        },
      }
    },
  }
}

function bar(done: number, width: number): string {
  if (width < 8) return `${Math.floor(done * 100)} %`.padStart(5)
  const full = Math.round(Math.min(done, 1) * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${String(Math.floor(done * 100)).padStart(3)} %`
}
