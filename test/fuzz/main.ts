// Differential fuzzing: random cases from a seed, ours beside an oracle, on both builds. The scan of JSON (scan.ts),
// the de-aggregation (deaggregate.ts), the mapping of records (mapping.ts), and the de-aggregation beside the KCL itself (kcl.ts).
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createEngine, type Engine, register } from '../../src/engine/engine.js'
import { createTransformEngine, registerTransform, type TransformEngine } from '../../src/engine/transform.js'
import { deaggregateDifference } from './deaggregate.js'
import { kclDifference } from './kcl.js'
import { mappingDifference } from './mapping.js'
import { scanDifference } from './scan.js'

const USAGE = `usage: npm run fuzz -- [--only scan|deaggregate|mapping] [--seconds N] [--seed S]
       npm run fuzz -- --kcl CLASSPATH [--seconds N] [--seed S]

  --only NAME       the scan of JSON, the de-aggregation or the mapping of records; default: all, by turns
  --seconds N       how long; default 10
  --seed S          of the first case; default: the clock. A difference prints the seed of its case, which
                    with --seconds 0 runs it again
  --kcl CLASSPATH   the de-aggregation in mode kcl beside the class of the KCL itself, by java; CLASSPATH has
                    amazon-kinesis-client, what it depends on, and jaxb-api (mvn dependency:copy-dependencies)
`

interface Builds {
  builds: [string, Engine][]
  transforms: [string, TransformEngine][]
}

const TARGETS = {
  scan: ({ builds }: Builds, seed: number) => scanDifference(builds, seed),
  deaggregate: ({ builds }: Builds, seed: number) => deaggregateDifference(builds, seed),
  mapping: ({ transforms }: Builds, seed: number) => mappingDifference(transforms, seed),
}
type Target = keyof typeof TARGETS

function main(): number {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      seed: { type: 'string' },
      kcl: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const { only, kcl, help } = values
  if (help || (only !== undefined && !Object.hasOwn(TARGETS, only))) {
    process.stdout.write(USAGE)
    return help ? 0 : 2
  }
  const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
  const until = Date.now() + Number(values.seconds) * 1000
  console.log(`fuzz: seed ${first}, ${values.seconds} s`)
  let cases = 0
  if (kcl !== undefined) {
    for (let seed = first; ; seed += 20_000) {
      const found = kclDifference(kcl, seed)
      cases += found.cases
      if (found.difference) return report(found.difference)
      if (Date.now() >= until) break
    }
    console.log(`fuzz: ${cases} Kinesis records, no difference to the KCL`)
    return 0
  }
  register('scalar', readFileSync('build/scalar.wasm'))
  registerTransform('scalar', readFileSync('build/transform.scalar.wasm'))
  const builds: Builds = {
    builds: [
      ['simd', createEngine('simd')],
      ['scalar', createEngine('scalar')],
    ],
    transforms: [
      ['simd', createTransformEngine('simd')],
      ['scalar', createTransformEngine('scalar')],
    ],
  }
  const targets = (only === undefined ? Object.keys(TARGETS) : [only]) as Target[]
  do {
    const seed = (first + cases++) % 2 ** 31
    for (const target of targets) {
      let found: object | undefined
      try {
        found = TARGETS[target](builds, seed)
      } catch (error) {
        found = { what: `${target} throws`, error: String(error) }
      }
      if (!found) continue
      const code = report(found)
      console.log(`fuzz: a difference; again with: npm run fuzz -- --only ${target} --seconds 0 --seed ${seed}`)
      return code
    }
  } while (Date.now() < until)
  console.log(`fuzz: ${cases} cases of ${targets.join(' and ')}, no difference`)
  return 0
}

function report(found: object): number {
  console.log(JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? `${value}n` : value), 2))
  return 1
}

process.exitCode = main()
