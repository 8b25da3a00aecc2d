// A process that spools until it is killed. Its lines on stdout say what it was told: "a <number> <texts>"
// accepted, "s <number>" settled, "r <number> <text>" replayed. Bundled by the test that starts it.
import { writeSync } from 'node:fs'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import { nodePorts } from '../../../src/ports/node.js'
import { batchOf, drain } from './batches.js'

// `mode`: hold, to do nothing; a number, of rounds after which it closes and ends; else it never ends
const [directory, name, mode] = process.argv.slice(2)
const say = (line: string) => writeSync(1, `${line}\n`)
const spool = await fileSpool(nodePorts, directory, { maxBytes: 1_048_576 })()
for (const [number, text] of await drain(spool)) say(`r ${number} ${text}`)
say('open')
if (mode === 'hold') await new Promise((resolve) => setTimeout(resolve, 1e6))
let count = 0
const worker = async () => {
  for (let round = 0; mode === undefined || round < Number(mode); round++) {
    const texts = Array.from({ length: 1 + (count % 4) }, () => `${name}-${count++}-${'x'.repeat(mode ? 20_000 : count % 1500)}`)
    const number = await spool.append(batchOf(texts))
    say(`a ${number} ${texts.join(' ')}`)
    const some = texts.map((_, i) => number + i).filter((n) => n % 7 !== 0 || n < spool.bytes / 100)
    for (const n of some) say(`s ${n}`)
    spool.settle(Float64Array.from(some))
  }
}
await Promise.all([worker(), worker(), worker()])
await spool.close()
