// A stub of Lambda's Runtime API (lambda/latest/dg/runtimes-api.html): a function's code in a process of its own, invoked as Lambda
// invokes it, its limits included.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface LambdaRuntime {
  /** The handler's answer. Rejects with what it failed with, for a response over the limit, and where the process ends. `timeout` in milliseconds. */
  invoke(event: unknown, timeout?: number): Promise<unknown>
  /** Lines of its stdout and stderr so far. */
  lines(): string[]
  stop(): Promise<void>
}

const PAYLOAD = 6_291_456

/** `program`: what runs the code, with its arguments; default: the bootstrap beside this file. */
export async function startLambda(
  root: string,
  handler: string,
  program: string[] = [process.execPath, fileURLToPath(new URL('lambda-bootstrap.mjs', import.meta.url))],
): Promise<LambdaRuntime> {
  let child: ChildProcess | undefined
  let waiting: ServerResponse | undefined
  let out = ''
  let id = 0
  const queue: { id: string; body: string; deadline: number }[] = []
  const open = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>()
  const next = () => {
    const first = waiting && queue.shift()
    if (!waiting || !first) return
    const headers = { 'lambda-runtime-aws-request-id': first.id, 'lambda-runtime-deadline-ms': String(first.deadline), 'content-type': 'application/json' }
    waiting.writeHead(200, { ...headers, 'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:1:function:f' }).end(first.body)
    waiting = undefined
  }
  const server = createServer(async (request, response) => {
    const [, , , what, name, kind] = (request.url ?? '').split('/')
    if (request.method === 'GET' && name === 'next') {
      waiting = response
      return next()
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const call = open.get(name)
    open.delete(name)
    if (what === 'init') for (const { reject } of open.values()) reject(new Error(`init: ${body}`))
    else if (kind === 'error') call?.reject(new Error(JSON.parse(body.toString()).errorMessage))
    else if (body.length > PAYLOAD) call?.reject(new Error(`Response payload size exceeded maximum allowed payload size (${PAYLOAD} bytes): ${body.length}`))
    else call?.resolve(JSON.parse(body.toString()))
    response.writeHead(202).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // What Lambda sets (lambda/latest/dg/configuration-envvars.html), as far as runtimes insist on it.
  const env = {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    LAMBDA_TASK_ROOT: root,
    _HANDLER: handler,
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: 'f',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/f',
    AWS_LAMBDA_LOG_STREAM_NAME: 's',
  }
  child = spawn(program[0], program.slice(1), { cwd: root, env: { ...process.env, ...env } })
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (out += text))
  let ended: Error | undefined
  child.on('exit', (code) => {
    ended = new Error(`the function's process has ended with ${code}: ${out}`)
    for (const { reject } of open.values()) reject(ended)
  })
  return {
    invoke: (event, timeout = 30_000) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        const request = String(++id)
        open.set(request, { resolve, reject })
        queue.push({ id: request, body: JSON.stringify(event), deadline: Date.now() + timeout })
        next()
      }),
    lines: () => out.split('\n').filter((line) => line !== ''),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      server.closeAllConnections()
      server.close()
    },
  }
}
