// millrace deliver --listen: Firehose's API on this machine.
import { MillraceError, messageOf } from '../errors.js'
import type { DeliveryStreamConfiguration } from '../firehose/delivery/config/configuration.js'
import { createFirehoseService, MOST_REQUEST_BYTES } from '../firehose/delivery/service/service.js'
import type { DeliveryStreamOptions } from '../firehose/delivery/stream-options.js'
import { type HttpServer, serve } from '../ports/node-server.js'
import { type Io, textOption, type Values } from './command.js'
import { report } from './deliver-report.js'
import { explain } from './explain.js'

interface Listening {
  port: number
  options: DeliveryStreamOptions
  configs: readonly DeliveryStreamConfiguration[]
}

/** Serves until a signal comes; then delivers what it holds. */
export async function listen(values: Values, io: Io, { port, options, configs }: Listening): Promise<number> {
  const host = textOption(values, 'host', 'a name or an address of this machine') ?? '127.0.0.1'
  const service = createFirehoseService(options)
  for (const config of configs) service.create(config)
  const { clock } = io.ports
  const started = clock.monotonic()
  let server: HttpServer
  try {
    server = await serve({ host, port, mostBytes: MOST_REQUEST_BYTES }, service.handle)
  } catch (cause) {
    throw new MillraceError('IO', `cannot listen at ${host}:${port}: ${messageOf(cause)}`, { cause })
  }
  const endpoint = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`
  await io.write(values.json ? `${JSON.stringify({ endpoint })}\n` : `${endpoint}\n`)
  io.log('millrace deliver: end it with Ctrl-C')
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve()
    else io.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  io.log('millrace deliver: writing what was taken, a second signal leaves at once')
  const failed = await service.close().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  await server.close()
  const metrics = service.metrics()
  await report(io, metrics, { milliseconds: clock.monotonic() - started, unwritten: service.unwritten(), json: false })
  if (failed) io.log(`millrace deliver: ${explain(failed.error)}`)
  return failed || Object.keys(metrics.failures).length > 0 ? 1 : 0
}
