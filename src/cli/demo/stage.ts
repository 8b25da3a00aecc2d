// What every stage of the demo is given.
import type { Io } from '../command.js'
import type { Meter } from './meter.js'
import type { Peers } from './peers.js'

export interface Line {
  peers: Peers
  rows: number
  io: Io
  meter: Meter
}
