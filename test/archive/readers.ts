// Five tar readers that know nothing of ours: what each finds in an archive, streaming, and what it extracts.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract as nodeTarExtract } from 'tar'
import tarStream from 'tar-stream'
import { type Member, nodeTar, npmTarStream, opened } from './members.js'

export interface TarReader {
  name: string
  /** Whether this machine has it. */
  there: boolean
  /** Members of each archive in its own order, every byte of their data read. Rejects on any warning. */
  members(files: readonly string[]): Promise<Member[][]>
  /** Into files below `directory`. Rejects on any warning. */
  extract(files: readonly string[], directory: string): Promise<void>
}

const runs = (command: string) => spawnSync(command, ['--version']).status === 0

/** Runs a command to its end; `take` sees what it prints. */
async function run(command: string, args: readonly string[], take?: (piece: Buffer) => void): Promise<void> {
  // names as bytes of UTF-8, whatever the locale of who runs the tests
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8', PYTHONUTF8: '1', TZ: 'UTC' } })
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })
  const code = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  for await (const piece of child.stdout) take?.(piece)
  const status = await code
  if (status !== 0 || said !== '') throw new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${status}: ${said.slice(0, 2000)}`)
}

async function text(command: string, args: readonly string[]): Promise<string> {
  const pieces: Buffer[] = []
  await run(command, args, (piece) => pieces.push(piece))
  return Buffer.concat(pieces).toString()
}

const LETTERS: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '\\': 92, '"': 34 }

/** Undoes \n, \\ and \ooo, as GNU tar and bsdtar list names. */
function unescaped(name: string): string {
  if (!name.includes('\\')) return name
  const bytes: number[] = []
  for (const [piece, octal, letter] of name.matchAll(/\\(?:([0-7]{3})|(.))|[^\\]+/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8))
    else if (letter !== undefined) bytes.push(LETTERS[letter])
    else bytes.push(...Buffer.from(piece))
  }
  return Buffer.from(bytes).toString()
}

/** A command that lists with -tv and prints all data with -xO: the data cut at the sizes that it listed. */
async function listedThenRead(command: string, file: string, options: readonly string[], line: RegExp): Promise<Member[]> {
  const listed = (await text(command, [...options, '-tvf', file])).split('\n').slice(0, -1)
  const members = listed.map((entry): Member => {
    const match = line.exec(entry)
    if (!match) throw new Error(`${command} lists ${JSON.stringify(entry)}`)
    return { name: unescaped(match[2]), size: Number(match[1]), sha256: '' }
  })
  let at = 0
  let missing = members[0]?.size ?? 0
  let hash = createHash('sha256')
  const settle = () => {
    while (at < members.length && missing === 0) {
      members[at++].sha256 = hash.digest('hex')
      hash = createHash('sha256')
      missing = members[at]?.size ?? 0
    }
  }
  settle()
  await run(command, ['-xOf', file], (piece) => {
    for (let from = 0; from < piece.length; ) {
      if (at === members.length) throw new Error(`${command} reads more from ${file} than it lists`)
      const part = piece.subarray(from, from + missing)
      hash.update(part)
      from += part.length
      missing -= part.length
      settle()
    }
  })
  if (at < members.length) throw new Error(`${command} reads less from ${file} than it lists`)
  return members
}

const inTurn = async <T>(files: readonly string[], use: (file: string) => Promise<T>): Promise<T[]> => {
  const all: T[] = []
  for (const file of files) all.push(await use(file))
  return all
}

const PYTHON = `
import hashlib, json, sys, tarfile
safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
into = sys.argv[1]
for file in sys.argv[2:]:
    t = tarfile.open(file)
    out = []
    for m in t:
        assert m.isreg(), m.name
        if into:
            t.extract(m, into, set_attrs=False, **safe)
            continue
        h, f = hashlib.sha256(), t.extractfile(m)
        while piece := f.read(1 << 20): h.update(piece)
        out.append({"name": m.name, "size": m.size, "sha256": h.hexdigest()})
        t.members = []
    print(json.dumps(out))`

async function extractStream(file: string, directory: string): Promise<void> {
  const extract = tarStream.extract()
  opened(file)
    .on('error', (error: Error) => extract.destroy(error))
    .pipe(extract)
  for await (const entry of extract) {
    const path = join(directory, entry.header.name)
    if (!path.startsWith(`${directory}/`)) throw new Error(`${file} leads out of its root: ${entry.header.name}`)
    await mkdir(dirname(path), { recursive: true })
    await pipeline(entry, createWriteStream(path))
  }
}

export const readers: readonly TarReader[] = [
  {
    name: 'GNU tar',
    there: runs('tar'),
    members: (files) => inTurn(files, (file) => listedThenRead('tar', file, ['--quoting-style=c'], /^-\S+ \S+ +(\d+) \S+ \S+ "(.*)"$/)),
    extract: async (files, directory) => void (await inTurn(files, (file) => run('tar', ['-xf', file, '-C', directory]))),
  },
  {
    name: 'bsdtar',
    there: runs('bsdtar'),
    members: (files) => inTurn(files, (file) => listedThenRead('bsdtar', file, [], /^-\S+ +\d+ +\S+ +\S+ +(\d+) \S+ +\S+ +\S+ (.*)$/)),
    extract: async (files, directory) => void (await inTurn(files, (file) => run('bsdtar', ['-xf', file, '-C', directory]))),
  },
  {
    name: 'Python tarfile',
    there: runs('python3'),
    members: async (files) =>
      (await text('python3', ['-c', PYTHON, '', ...files]))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    extract: (files, directory) => run('python3', ['-c', PYTHON, directory, ...files]),
  },
  {
    name: 'node-tar',
    there: true,
    members: (files) => inTurn(files, nodeTar),
    extract: async (files, directory) => void (await inTurn(files, (file) => nodeTarExtract({ file, cwd: directory, strict: true }))),
  },
  {
    name: 'tar-stream',
    there: true,
    members: (files) => inTurn(files, npmTarStream),
    extract: async (files, directory) => void (await inTurn(files, (file) => extractStream(file, directory))),
  },
]
