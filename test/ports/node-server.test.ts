// The server of the command line, over real sockets.
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpServer, serve } from '../../src/ports/node-server.js'

let server: HttpServer | undefined
afterEach(() => server?.close())

const post = (body: Uint8Array): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request({ port: server?.port, method: 'POST' }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode))
    })
    sent.on('error', reject).end(body)
  })

describe('the bodies of requests that are not answered yet', () => {
  it('are bounded: one more is to come again, and finds room once another is answered', async () => {
    let answer = () => {}
    let came = () => {}
    const first = new Promise<void>((resolve) => {
      came = resolve
    })
    const waits = new Promise<void>((resolve) => {
      answer = resolve
    })
    server = await serve({ host: '127.0.0.1', port: 0, mostBytes: 700_000, mostHeld: 1_000_000 }, async ({ body }) => {
      if (body[0] === 1) {
        came()
        await waits
      }
      return { status: 200, headers: {}, body: new Uint8Array(0) }
    })
    const held = post(new Uint8Array(600_000).fill(1))
    await first
    expect(await post(new Uint8Array(600_000))).toBe(503)
    expect(await post(new Uint8Array(700_001))).toBe(503)
    expect(await post(new Uint8Array(400_000))).toBe(200)
    answer()
    expect(await held).toBe(200)
    expect(await post(new Uint8Array(700_000))).toBe(200)
    expect(await post(new Uint8Array(700_001))).toBe(413)
    expect(await post(new Uint8Array(700_000))).toBe(200)
  })

  it('count no longer where the client has left', async () => {
    server = await serve({ host: '127.0.0.1', port: 0, mostBytes: 1_000_000, mostHeld: 1_000_000 }, async () => ({
      status: 200,
      headers: {},
      body: new Uint8Array(0),
    }))
    for (let i = 0; i < 3; i++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      await new Promise<void>((resolve) => {
        socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n')
        socket.write(new Uint8Array(800_000), () => resolve())
      })
      await new Promise<void>((resolve) => {
        socket.on('close', () => resolve())
        socket.resetAndDestroy()
      })
      // Until the server has heard of it, it may still say that there is no room.
      let status = await post(new Uint8Array(900_000))
      while (status === 503) status = await post(new Uint8Array(900_000))
      expect(status).toBe(200)
    }
  })
})
