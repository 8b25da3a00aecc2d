// The scalar core beside the inlined one, for suites that run on both builds.
import { readFileSync } from 'node:fs'
import { register } from '../src/engine/engine.js'

register('scalar', readFileSync(new URL('../build/scalar.wasm', import.meta.url)))
