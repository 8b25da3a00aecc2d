// A process that changes a tree until its standard input ends: `node mutator.mjs ROOT SEED`. ROOT/in is
// the tree, ROOT/stage lies on the same file system beside it, ROOT/outside must never be read through it.
// It says "ready" when the tree stands, and what it did at the end.
import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { random } from './hostile.js'
import { PAGE, STEP, stateOf } from './states.js'

const [root, seed] = process.argv.slice(2)
const pick = random(Number(seed))
const [tree, stage, outside] = ['in', 'stage', 'outside'].map((name) => `${root}/${name}`)

interface Subject {
  folder: Folder
  name: string
  id: string
  version: number
  size: number
  born: number
  is: 'file' | 'locked' | 'gone'
}
interface Folder {
  name: string
  /** Where it is now. */
  at: string
  kind: 'calm' | 'hot' | 'resident' | 'wild'
}

const folders: Folder[] = []
const subjects: Subject[] = []
const did: Record<string, number> = {}
let fresh = 0

const pathOf = ({ folder, name }: Subject) => `${folder.at}/${name}`
/** The hot ones take a packer several calls to read, and are rewritten meanwhile. */
const sizeFor = ({ folder }: Subject) => (folder.kind === 'hot' ? 2_000_000 + pick(3_000_000) : pick(20) === 0 ? 70_000 + pick(1_500_000) : 100 + pick(30_000))

/** A new state, all at once. */
function replace(subject: Subject) {
  subject.version++
  subject.born = subject.size = sizeFor(subject)
  const temporary = `${stage}/${fresh++}`
  writeFileSync(temporary, stateOf(subject.id, subject.version, subject.born, subject.size))
  renameSync(temporary, pathOf(subject))
  subject.is = 'file'
}

/** Something that is no file, in a file's place. */
function usurp(subject: Subject, make: (path: string) => void) {
  const temporary = `${stage}/${fresh++}`
  make(temporary)
  renameSync(temporary, pathOf(subject))
  subject.is = 'gone'
}

function open(subject: Subject, use: (fd: number) => void) {
  const fd = openSync(pathOf(subject), 'r+')
  try {
    use(fd)
  } finally {
    closeSync(fd)
  }
}

const inPlace: Record<string, (subject: Subject) => void> = {
  grow: (subject) =>
    open(subject, (fd) => {
      for (let pieces = 1 + pick(6); pieces > 0; pieces--) {
        const end = Math.min((Math.floor(subject.size / STEP) + 1 + pick(PAGE / STEP)) * STEP, (Math.floor(subject.size / PAGE) + 1) * PAGE)
        writeSync(fd, stateOf(subject.id, subject.version, subject.born, end), subject.size, end - subject.size, subject.size)
        subject.size = end
      }
    }),
  shrink: (subject) =>
    open(subject, (fd) => {
      const steps = Math.floor((subject.size - 1) / STEP)
      if (steps < 1) return
      subject.size = (1 + pick(steps)) * STEP
      ftruncateSync(fd, subject.size)
    }),
  rewrite: (subject) =>
    open(subject, (fd) => {
      subject.born = subject.size
      writeSync(fd, stateOf(subject.id, ++subject.version, subject.born, subject.size), 0, subject.size, 0)
    }),
  chmod: (subject) => {
    chmodSync(pathOf(subject), 0)
    subject.is = 'locked'
  },
}

const anywhere: Record<string, (subject: Subject) => void> = {
  ...inPlace,
  replace,
  delete: (subject) => {
    unlinkSync(pathOf(subject))
    subject.is = 'gone'
  },
  'link of a file': (subject) => usurp(subject, (path) => symlinkSync(`${outside}/${subject.id}`, path)),
  fifo: (subject) => usurp(subject, (path) => void spawnSync('mkfifo', [path])),
}

const toFolders: Record<string, (folder: Folder) => void> = {
  'link of a folder': (folder) => {
    renameSync(folder.at, `${stage}/${folder.name}`)
    symlinkSync(`${outside}/${folder.name}`, folder.at)
    folder.at = `${stage}/${folder.name}`
  },
  'folder renamed': (folder) => {
    renameSync(folder.at, `${folder.at}-moved`)
    folder.at = `${folder.at}-moved`
  },
}

function home(folder: Folder) {
  const path = `${tree}/${folder.name}`
  if (folder.at.startsWith(stage)) unlinkSync(path)
  renameSync(folder.at, path)
  folder.at = path
}

function change(subject: Subject) {
  const { folder } = subject
  const choose = <T>(from: Record<string, T>) => {
    const name = Object.keys(from)[pick(Object.keys(from).length)]
    did[name] = (did[name] ?? 0) + 1
    return from[name]
  }
  if (folder.kind === 'wild' && pick(25) === 0) {
    if (folder.at === `${tree}/${folder.name}`) choose(toFolders)(folder)
    else home(folder)
  } else if (subject.is === 'locked') {
    chmodSync(pathOf(subject), 0o644)
    subject.is = 'file'
  } else if (subject.is === 'gone') replace(subject)
  else choose(folder.kind === 'wild' ? anywhere : inPlace)(subject)
}

for (const path of [tree, stage, outside]) mkdirSync(path)
for (const [kind, count] of [
  ['calm', 2],
  ['hot', 1],
  ['resident', 8],
  ['wild', 10],
] as const) {
  for (let i = 0; i < count; i++) {
    const folder: Folder = { name: `${kind}-${i}`, at: `${tree}/${kind}-${i}`, kind }
    folders.push(folder)
    mkdirSync(folder.at)
    mkdirSync(`${outside}/${folder.name}`)
    for (let k = 0; k < (kind === 'hot' ? 8 : 20); k++) {
      const subject: Subject = { folder, name: `file-${k}`, id: `${folder.name}/file-${k}`, version: 0, size: 0, born: 0, is: 'gone' }
      subjects.push(subject)
      replace(subject)
      writeFileSync(`${outside}/${subject.id}`, 'a secret')
    }
  }
}

let ended = false
process.stdin.on('end', () => (ended = true)).resume()
process.stdout.write('ready\n')
const hot = subjects.filter(({ folder }) => folder.kind === 'hot')
const moving = subjects.filter(({ folder }) => folder.kind === 'resident' || folder.kind === 'wild')
// A few at a time, so that most of the tree is at rest and can be packed; who they are changes all the time.
while (!ended) {
  const few = Array.from({ length: 12 }, () => moving[pick(moving.length)])
  for (let i = 0; i < 40; i++) {
    change(few[pick(few.length)])
    if (pick(10) === 0) inPlace.rewrite(hot[pick(hot.length)])
    if (pick(4) === 0) await new Promise((resolve) => setTimeout(resolve, pick(4)))
  }
}
for (const folder of folders) if (folder.at !== `${tree}/${folder.name}`) home(folder)
for (const subject of subjects) if (subject.is === 'locked') chmodSync(pathOf(subject), 0o644)
for (const subject of subjects) if (subject.is === 'gone') replace(subject)
rmSync(outside, { recursive: true })
process.stdout.write(`${JSON.stringify(did)}\n`)
