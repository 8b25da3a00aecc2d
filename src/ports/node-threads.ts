// Threads of Node: the library's program (program.ts, made by build.mjs) run from its text, so that
// it is there in every bundle and no file has to be found.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Thread, Threads } from './ports.js'
import { program } from './program.js'

// What the program needs of its thread, in the words of src/parquet/worker.ts.
const MAIN = `
const { parentPort } = require('node:worker_threads')
millrace.serve({ post: (message, transfer) => parentPort.postMessage(message, transfer), listen: (take) => parentPort.on('message', take) })
`

export const nodeThreads: Threads = { cores: availableParallelism(), start }

function start(): Thread {
  const worker = new Worker(program + MAIN, { eval: true, stderr: false })
  const waiting: { resolve(message: unknown): void; reject(reason: unknown): void }[] = []
  const arrived: unknown[] = []
  let failed: Error | undefined
  const fail = (error: Error) => {
    failed ??= error
    for (const { reject } of waiting.splice(0)) reject(failed)
  }
  worker.on('message', (message) => {
    const next = waiting.shift()
    if (next) next.resolve(message)
    else arrived.push(message)
  })
  worker.on('error', fail)
  worker.on('messageerror', fail)
  worker.on('exit', (code) => fail(new Error(`the thread ended with code ${code}`)))
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[] | undefined),
    receive: () =>
      new Promise((resolve, reject) => {
        if (arrived.length > 0) resolve(arrived.shift())
        else if (failed) reject(failed)
        else waiting.push({ resolve, reject })
      }),
    async end() {
      await worker.terminate()
    },
  }
}
