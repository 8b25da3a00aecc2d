// Every kernel suite runs on both builds: describe.each(builds)('%s', (_, engine) => ...)
import { type Build, createEngine, type Engine } from '../src/engine/engine.js'
import { createTransformEngine, type TransformEngine } from '../src/engine/transform.js'

export const builds: [Build, Engine][] = [
  ['simd', createEngine('simd')],
  ['scalar', createEngine('scalar')],
]

/** The same of the second binary. */
export const transformBuilds: [Build, TransformEngine][] = [
  ['simd', createTransformEngine('simd')],
  ['scalar', createTransformEngine('scalar')],
]

/** The report block as the kernels leave it. */
export function report(engine: Engine) {
  const at = engine.core.report() >> 2
  const [consumed, produced, position, record, detail] = engine.words().subarray(at, at + 5)
  return { consumed, produced, position, record, detail: detail | 0 }
}
