// A tree of small files in the page cache into tars, as whole processes: ours with SHA-256 and CRC-32C a
// member, SHA-256 and ETag a chunk, and the manifest. The rivals keep less: GNU tar hashes nothing, the
// others have SHA-256 a member. Outputs of one side are gone, and on the device, before the next one runs.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { same } from './frame.mjs'
import { randomFrom } from './random.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const CLI = here('../dist/esm/cli/main.js')
const CHILD = here('./snowball-child.mjs')

const GNU = 'GNU tar (hashes nothing)'
const PYTHON = 'Python tarfile + hashlib'
const STREAM = 'tar-stream + node:crypto'
const TARGETS = { [GNU]: 1, [PYTHON]: 3, [STREAM]: 2 }
const OURS = { synced: 'millrace', unsynced: 'millrace unsynced' }

const pack = {
  [OURS.synced]: (tree, out) => [process.execPath, CLI, 'snowball', 'pack', tree, '-o', `${out}/chunks`],
  [OURS.unsynced]: (tree, out) => [process.execPath, CHILD, 'millrace', tree, `${out}/chunks`],
  [GNU]: (tree, out) => ['tar', '-cf', `${out}/all.tar`, '-C', tree, '.'],
  [PYTHON]: (tree, out) => ['python3', here('./snowball-rival.py'), tree, `${out}/all.tar`, `${out}/all.tar.list`],
  [STREAM]: (tree, out) => [process.execPath, CHILD, 'tar-stream', tree, `${out}/all.tar`],
}
const plan = {
  millrace: (tree) => [process.execPath, CLI, 'snowball', 'plan', tree],
  'find + sort': (tree) => ['sh', '-c', `find "$1" -type f -printf '%P\\t%s\\t%T@\\n' | LC_ALL=C sort`, 'sh', tree],
}

const trees = {
  '200,000 x 1-100 KB': ({ quick }) => ({ count: quick ? 5000 : 200_000, size: (random) => Math.round(1000 * 100 ** random) }),
  '2,000 x 1 MB': ({ quick }) => ({ count: quick ? 200 : 2000, size: () => 1_000_000 }),
}

/** Files of noise, 1,000 to a folder. */
function makeTree(root, { count, size }) {
  const { word, below } = randomFrom()
  const noise = Buffer.alloc(4 << 20)
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(word(), at)
  for (let i = 0; i < count; i++) {
    const folder = `${root}/d${String(Math.floor(i / 1000)).padStart(4, '0')}`
    if (i % 1000 === 0) mkdirSync(folder, { recursive: true })
    const bytes = size(word() / 2 ** 32)
    const from = below(noise.length - bytes)
    writeFileSync(`${folder}/file-${String(i).padStart(7, '0')}.bin`, noise.subarray(from, from + bytes))
  }
}

/** Seconds from start to end of a process, those of CPU time with its children's, and the most memory it had in MB. */
async function run(command, target) {
  const out = target === undefined ? 'ignore' : openSync(target, 'w')
  // the shell knows what a child took once it has ended, which Node does not tell of its own
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$@"', 'bash', ...command], { stdio: ['ignore', out, 'pipe'] })
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })
  const closed = once(child, 'close')
  let peak = 0
  // the kernel keeps the peak itself, for as long as the process lives
  const look = setInterval(() => {
    try {
      const pid = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? peak)
    } catch {}
  }, 20)
  const [status] = await closed
  clearInterval(look)
  if (out !== 'ignore') closeSync(out)
  if (status !== 0) throw new Error(`${command.join(' ')}: exit code ${status}: ${said}`)
  const [seconds, user, system] = said.trimEnd().split('\n').at(-1).split(' ').map(Number)
  return { seconds, cpu: user + system, peak: peak / 1024 }
}

/** What a side says of every member, in the order of the names. */
function listOf(name, out) {
  if (name === GNU) return undefined
  if (!name.startsWith('millrace')) return readFileSync(`${out}/all.tar.list`, 'utf8').split('\n').filter(Boolean).sort()
  const lines = readFileSync(`${out}/chunks/manifest.ndjson`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return lines.flatMap((line) => (line.type === 'member' ? [`${line.key}\t${line.size}\t${line.sha256}`] : [])).sort()
}

/** The rounds of a set of sides over a tree, each side once a round, in an order that turns. */
async function measure(sides, tree, folder, rounds, inspect) {
  const names = Object.keys(sides)
  const figures = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(Math.max(round, 0) + turn) % names.length]
      const out = join(folder, 'out')
      mkdirSync(out)
      spawnSync('sync')
      const figure = await run(sides[name](tree, out), sides === plan ? join(out, 'plan') : undefined)
      // the first round fills the page cache, and its outputs are compared
      if (round < 0) inspect(name, out)
      else figures[name].push(figure)
      rmSync(out, { recursive: true })
    }
  }
  return figures
}

// Rows of one tree share its runs: time and memory are of the same ones.
const measured = new Map()

async function ofTree(title, context) {
  const known = measured.get(title)
  if (known) return known
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-snowball-'))
  try {
    const tree = join(folder, 'tree')
    makeTree(tree, trees[title](context))
    const rounds = context.quick ? 3 : 5
    let expected
    const packed = await measure(pack, tree, folder, rounds, (name, out) => {
      const found = listOf(name, out)
      expected ??= found
      if (found) same(name, found, expected)
    })
    const planned = await measure(plan, tree, folder, rounds, (name, out) => {
      const lines = readFileSync(join(out, 'plan'), 'utf8').split('\n').filter(Boolean)
      const members = name === 'millrace' ? lines.filter((line) => line.startsWith('{"type":"member"')) : lines
      same(name, members.length, expected.length)
    })
    const result = { packed, planned }
    measured.set(title, result)
    return result
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `part` and `ours`: whose runs; `field`: seconds, which with --cpu are those of CPU time, or peak. */
function row(title, what, { part, ours, rivals, field, unit, targets }) {
  return {
    row: `snowball ${what}, ${title}`,
    unit,
    rate: false,
    targets,
    rivals,
    async prepare(context) {
      const sides = (await ofTree(title, context))[part]
      const shown = field === 'seconds' && context.pace.now ? 'cpu' : field
      return { samples: [ours, ...rivals].map((name) => sides[name].map((figure) => figure[shown])), rivals: rivals.map((name) => ({ name })) }
    },
  }
}

const rivals = [GNU, PYTHON, STREAM]
export const rows = Object.keys(trees).flatMap((title) => [
  row(title, 'pack', { part: 'packed', ours: OURS.synced, rivals, field: 'seconds', unit: 's', targets: TARGETS }),
  row(title, 'pack unsynced', { part: 'packed', ours: OURS.unsynced, rivals, field: 'seconds', unit: 's', targets: TARGETS }),
  row(title, 'pack memory', { part: 'packed', ours: OURS.synced, rivals, field: 'peak', unit: 'MB' }),
  row(title, 'plan', { part: 'planned', ours: 'millrace', rivals: ['find + sort'], field: 'seconds', unit: 's' }),
])
