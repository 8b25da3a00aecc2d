// Memory of array buffers after collection. V8 gives buffers back on threads of its own, sooner or
// later: a single look after gc() found 45 of 200 MB still there once in a dozen runs.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of live array buffers; waits, without giving the event loop a turn, until they are fewer than `limit` or 10 s have passed. */
export function bufferBytes(limit = 0): number {
  for (let tries = 0; ; tries++) {
    collect()
    const bytes = process.memoryUsage().arrayBuffers
    if (bytes < limit || tries === (limit > 0 ? 200 : 0)) return bytes
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  }
}
