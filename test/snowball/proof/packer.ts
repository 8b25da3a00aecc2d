// A process that packs and kills itself: `node packer.mjs SOURCE OUTPUT N [half]`, before the Nth call that changes
// the output, or with `half` in the middle of the Nth write. Ends with 0 where the run has no such call.
import { nodePorts } from '../../../src/ports/node.js'
import type { FileWriter, Storage } from '../../../src/ports/ports.js'
import { packSnowball } from '../../../src/snowball/index.js'
import { LIMITS } from './limits.js'

const [source, output, nth, half] = process.argv.slice(2)
let left = Number(nth)

/** Node goes on until it next looks at its signals; nothing may happen meanwhile. */
function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

async function at<T>(call: () => Promise<T>): Promise<T> {
  if (!half && left-- === 0) die()
  return call()
}

function writer(file: FileWriter): FileWriter {
  return {
    ...file,
    writeAll: undefined,
    async write(data) {
      if (left-- === 0) {
        if (half) await file.write(data.subarray(0, data.length >> 1))
        die()
      }
      await file.write(data)
    },
    sync: () => at(() => file.sync()),
    close: () => at(() => file.close()),
  }
}

const real = nodePorts.storage
const storage: Storage = {
  ...real,
  create: async (path, options) => writer(await at(() => real.create(path, options))),
  makeDirectory: (path) => at(() => real.makeDirectory(path)),
  ...(real.syncFile && { syncFile: (path: string) => at(() => real.syncFile!(path)) }),
  syncDirectory: (path) => at(() => real.syncDirectory(path)),
  rename: (from, to) => at(() => real.rename(from, to)),
  remove: (path) => at(() => real.remove(path)),
}
await packSnowball({ source, output, ports: { ...nodePorts, storage }, ...LIMITS })
