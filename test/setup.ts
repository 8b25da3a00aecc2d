// The scalar binaries beside the inlined ones, for suites that run on both builds.
import { readFileSync } from 'node:fs'
import { register } from '../src/engine/engine.js'
import { registerTransform } from '../src/engine/transform.js'

register('scalar', readFileSync(new URL('../build/scalar.wasm', import.meta.url)))
registerTransform('scalar', readFileSync(new URL('../build/transform.scalar.wasm', import.meta.url)))
