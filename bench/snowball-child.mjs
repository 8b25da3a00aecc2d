// What the rows of Snowball run as processes: `node snowball-child.mjs NAME SOURCE OUT`.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'

/** As a program would with tar-stream: an archive to a file, SHA-256 of each member. */
async function tarStream(source, out) {
  const { default: tar } = await import('tar-stream')
  const pack = tar.pack()
  const file = createWriteStream(out, { highWaterMark: 1 << 20 })
  pack.pipe(file)
  const lines = []
  for (const path of filesBelow(source)) {
    const data = readFileSync(`${source}/${path}`)
    lines.push(`${path}\t${data.length}\t${createHash('sha256').update(data).digest('hex')}\n`)
    await new Promise((resolve, reject) => pack.entry({ name: path, size: data.length }, data, (error) => (error ? reject(error) : resolve())))
    if (file.writableNeedDrain) await once(file, 'drain')
  }
  pack.finalize()
  await finished(file)
  await writeFile(`${out}.list`, lines.join(''))
}

function* filesBelow(source, folder = '') {
  for (const entry of readdirSync(`${source}/${folder}`, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(source, path)
    else yield path
  }
}

/** Ours, but that chunks are not flushed to the device, which no rival does. */
async function millrace(source, output) {
  const { packSnowball } = await import('../dist/esm/snowball/index.js')
  const { nodePorts: ports } = await import('../dist/esm/ports/node.js')
  await packSnowball({ source, output, ports, sync: false })
}

const [name, ...places] = process.argv.slice(2)
await { 'tar-stream': tarStream, millrace }[name](...places)
