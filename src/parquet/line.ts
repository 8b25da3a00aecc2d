// From records to row groups: one engine, the intake that fills its batch, the encoder that drains it.
import { createEngine } from '../engine/engine.js'
import { createRowGroupEncoder, type FinishedRowGroup } from './file/rowgroup.js'
import { createIntake, type Intake } from './intake/intake.js'
import { type TakeMethods, takeMethods } from './intake/take.js'
import type { Turns } from './intake/turns.js'
import type { WriterSettings } from './writer-options.js'

export interface Line {
  readonly intake: Intake
  readonly methods: TakeMethods
  /** Of the open row group. */
  readonly rows: number
  /** Bytes of its finished pages, compressed. */
  held(): number
  /** Ends it, if it has rows. */
  endRowGroup(): Promise<void>
  /** Ends the record and the row group at hand. */
  end(): Promise<void>
  /** Gives back what it holds; the line is at its end. */
  stop(): Promise<void>
  readonly bad: Pick<Intake, 'badRecords' | 'badByReason'>
}

/** Files that follow each other. */
export interface Rotation {
  /** Rows that the file at hand has room for: 1 at least. */
  room(): number
  /** Called after each batch. */
  after(): Promise<void>
}

/** `rowGroup` is given each row group that ends, by the limits or by endRowGroup(). */
export function createLine(turn: Turns, settings: WriterSettings, rowGroup: (group: FinishedRowGroup) => Promise<void>, rotation?: Rotation): Line {
  const { limits, leaves } = settings
  const engine = createEngine()
  let open = 0
  const endRowGroup = async () => {
    if (open === 0) return
    const rows = open
    open = 0
    await rowGroup(await encoder.finish(rows))
  }
  const batch = async (rows: number) => {
    const appended = encoder.append()
    if (appended) await appended
    open += rows
    if (open >= limits.rowGroupRows) await endRowGroup()
    await rotation?.after()
  }
  const drained = async () => {
    if (encoder.size() >= limits.rowGroupBytes) await endRowGroup()
  }
  const columnBatch = async (rows: number) => {
    await batch(rows)
    await drained()
  }
  const { rowGroupRows, rowGroupBytes } = limits
  const room = () => Math.min(rowGroupRows - open, rotation?.room() ?? rowGroupRows)
  const cuts = { lines: rowGroupRows, bytes: rowGroupBytes, room, drained, segment: endRowGroup }
  const intake = createIntake(engine, settings, batch, cuts)
  // Text and columns share no row group, for threads make those of the text.
  let at: 'text' | 'columns' = 'text'
  const enter = async (form: 'text' | 'columns') => {
    if (form === at) return
    at = form
    await intake.end()
    await endRowGroup()
    intake.restart()
  }
  const encoder = createRowGroupEncoder(engine, intake.scan.columns, leaves, settings.file)
  return {
    intake,
    methods: takeMethods(turn, engine, intake, settings, columnBatch, enter, room),
    get rows() {
      return open
    },
    held: () => encoder.held(),
    endRowGroup,
    async end() {
      await intake.end()
      await endRowGroup()
    },
    async stop() {
      engine.release()
    },
    bad: intake,
  }
}
