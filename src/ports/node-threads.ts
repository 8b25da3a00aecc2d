// Threads of Node: the library's program (program.ts, made by build.mjs) run from its text, so that
// it is there in every bundle and no file has to be found.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { nodeStorage } from './node-storage.js'
import type { Thread, Threads } from './ports.js'
import { program } from './program.js'

// What the program needs of its thread, in the words of src/worker.ts. No require(): a thread
// inherits --input-type=module, and then is a module.
const MAIN = `
const { parentPort } = process.getBuiltinModule('node:worker_threads')
millrace.serve({ post: (message, transfer) => parentPort.postMessage(message, transfer), listen: (take) => parentPort.on('message', take) })
`

const cores = availableParallelism()

export const nodeThreads: Threads = { cores, storage: nodeStorage, start: () => idle.pop()?.() ?? start() }

// Threads that were handed back, each by the function that takes it up again.
const idle: (() => Thread)[] = []
const IDLE_MS = 10_000

function start(): Thread {
  const worker = new Worker(program + MAIN, { eval: true })
  let waiting: { resolve(message: unknown): void; reject(reason: unknown): void }[] = []
  let arrived: unknown[] = []
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
  // behind the listeners: one of 'message' takes it back
  worker.unref()
  const thread: Thread = {
    post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[] | undefined),
    receive: () =>
      new Promise((resolve, reject) => {
        if (arrived.length > 0) resolve(arrived.shift())
        else if (failed) reject(failed)
        else waiting.push({ resolve, reject })
      }),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    async end() {
      await worker.terminate()
    },
    keep() {
      if (failed || idle.length >= cores) return void worker.terminate()
      // nobody waits for it any more
      waiting = []
      arrived = []
      const timer = setTimeout(() => {
        idle.splice(idle.indexOf(again), 1)
        void worker.terminate()
      }, IDLE_MS)
      timer.unref()
      const again = () => {
        clearTimeout(timer)
        return failed ? start() : thread
      }
      idle.push(again)
    },
  }
  return thread
}
