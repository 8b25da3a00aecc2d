// Every kernel suite runs on both builds: describe.each(builds)('%s', (_, engine) => ...)
import { type Build, createEngine, type Engine } from '../src/engine/engine.js'

export const builds: [Build, Engine][] = [
  ['simd', createEngine('simd')],
  ['scalar', createEngine('scalar')],
]

/** The report block as the kernels leave it. */
export function report(engine: Engine) {
  const at = engine.core.report() >> 2
  const [consumed, produced, position, record, detail] = engine.words().subarray(at, at + 5)
  return { consumed, produced, position, record, detail: detail | 0 }
}
