// Folders as browsers hand them over, made by hand here; test/browser has Chromium's own.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createChunker, filesOf, handleTarget } from '../../src/snowball/index.js'
import { npmTarStream } from '../archive/members.js'
import { collect } from './chunks.js'

/** What browsers have, as TypeScript declares it, is taken as it is. */
export const typed = (handle: FileSystemDirectoryHandle, dropped: DataTransferItemList, picked: FileList, { body }: Response & { body: ReadableStream }) => [
  filesOf(handle),
  filesOf(dropped),
  filesOf(picked),
  handleTarget(handle),
  createChunker().chunks([
    { key: 'a', data: body },
    { key: 'b', data: picked[0] },
  ]),
]

type Source = Parameters<typeof filesOf>[0]
/** Names to text or to what is below them. */
interface Tree {
  [name: string]: string | Tree
}

const error = (name: string) => new DOMException('as the browser says', name)
/** What fails when it is opened or listed, by its name. */
const fault = (name: string) => (name.startsWith('gone') ? error('NotFoundError') : name.startsWith('shut') ? error('NotAllowedError') : undefined)

function handle(name: string, below: string | Tree): { kind: string; name: string } {
  if (typeof below === 'string') {
    const getFile = async () => {
      if (fault(name)) throw fault(name)
      return new File([below], name)
    }
    return Object.assign({ kind: 'file', name }, { getFile })
  }
  async function* values() {
    if (fault(name)) throw fault(name)
    for (const [name, one] of Object.entries(below).reverse()) yield handle(name, one)
    if (name === 'odd') yield { kind: 'symlink', name: 'link' }
  }
  return Object.assign({ kind: 'directory', name }, { values })
}

/** The same by the older interface, 100 entries at a time. */
function entry(name: string, below: string | Tree): object {
  const failing = (done: () => void, failed: (error: unknown) => void) => (fault(name) ? failed(fault(name)) : done())
  if (typeof below === 'string')
    return {
      isFile: true,
      isDirectory: false,
      name,
      file: (done: (file: File) => void, failed: (error: unknown) => void) => failing(() => done(new File([below], name)), failed),
    }
  return {
    isFile: false,
    isDirectory: true,
    name,
    createReader() {
      const rest = Object.entries(below).reverse()
      return {
        readEntries: (done: (entries: object[]) => void, failed: (error: unknown) => void) =>
          failing(() => done(rest.splice(0, 100).map(([name, one]) => entry(name, one))), failed),
      }
    },
  }
}

const items = (tree: Tree) =>
  Object.entries(tree).map(([name, below]) => ({ kind: 'file', getAsFile: () => new File([], name), webkitGetAsEntry: () => entry(name, below) })) as Source

function paths(tree: Tree, root = ''): Record<string, string> {
  const all = Object.entries(tree).map(([name, below]) => (typeof below === 'string' ? { [root + name]: below } : paths(below, `${root}${name}/`)))
  return Object.assign({}, ...all)
}

const inOrder = (keys: string[]) => keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
const keysOf = async (source: Source) => {
  const keys: string[] = []
  for await (const { key } of filesOf(source)) keys.push(key)
  return keys
}

const tree: Tree = {
  b: { 'x.txt': 'x', 'a-': 'dash', a: { deep: { er: '1' } }, 'a.txt': 'dot', '😀': 'face', '\uffee': 'half' },
  a: 'first',
  B: 'upper',
  empty: {},
  many: Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`file-${i}`, String(i)])),
}

describe('the files of a folder', () => {
  it.each<[string, Source]>([
    ['a directory handle', handle('root', tree) as Source],
    ['what was dropped', items(tree)],
    [
      'files of an input',
      Object.entries(paths(tree)).map(([path, text]) => Object.assign(new File([text], path.split('/').pop()!), { webkitRelativePath: path })),
    ],
  ])('%s come in the order of their bytes, with their data', async (_, source) => {
    const { tars, results, left } = await collect(filesOf(source))
    expect(left).toEqual([])
    const expected = paths(tree)
    expect(results[0].members.map(({ key }) => key)).toEqual(inOrder(Object.keys(expected)))
    for (const { key, offset, size } of results[0].members)
      expect(new TextDecoder().decode([...tars.values()][0].subarray(offset, offset + size))).toBe(expected[key])
  })

  it('are the same by each of them, whatever the names', async () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).map((name) => `n${name.replaceAll('/', '-')}`)
    const { folder } = fc.letrec<{ folder: Tree }>((tie) => ({
      folder: fc.dictionary(name, fc.oneof({ maxDepth: 3 }, fc.constant('x'), tie('folder')), { maxKeys: 5, noNullPrototype: true }),
    }))
    await fc.assert(
      fc.asyncProperty(folder, async (tree) => {
        const expected = inOrder(Object.keys(paths(tree)))
        expect(await keysOf(handle('root', tree) as Source)).toEqual(expected)
        expect(await keysOf(items(tree))).toEqual(expected)
      }),
    )
  })

  it.each(['handle', 'drop'])('that cannot be opened or listed are left out, the rest goes on (%s)', async (how) => {
    const bad: Tree = { d: { a: '1', 'gone.txt': '', 'shut-file': '' }, 'shut-folder': { below: '2' }, 'gone-folder': {}, z: '3', odd: {} }
    const { left, results } = await collect(filesOf(how === 'drop' ? items(bad) : (handle('root', bad) as Source)))
    expect(results[0].members.map(({ key }) => key)).toEqual(['d/a', 'z'])
    expect(left.filter(({ path }) => path !== 'odd/link')).toEqual([
      { type: 'failed', path: 'd/gone.txt', reason: 'vanished', message: 'was there when it was listed, is gone' },
      { type: 'failed', path: 'd/shut-file', reason: 'unreadable', message: 'as the browser says' },
      { type: 'failed', path: 'gone-folder', reason: 'vanished', message: 'was there when it was listed, is gone' },
      { type: 'failed', path: 'shut-folder', reason: 'unreadable', message: 'as the browser says' },
    ])
    if (how === 'handle') expect(left.find(({ path }) => path === 'odd/link')?.message).toBe('neither a file nor a directory')
  })

  it('are those at the time of the drop, whose list is empty afterwards', async () => {
    const list = items({ a: '1', b: { c: '2' } }) as unknown[]
    list.push({ kind: 'string', getAsFile: () => null })
    const picture = new File(['png'], 'picture.png')
    list.push({ kind: 'file', getAsFile: () => picture, webkitGetAsEntry: () => null })
    list.push({ kind: 'file', getAsFile: () => null, webkitGetAsEntry: () => null })
    const files = filesOf(list as unknown as Source)
    list.length = 0
    const keys = []
    for await (const { key } of files) keys.push(key)
    expect(keys).toEqual(['a', 'b/c', 'picture.png'])
  })

  it('are nothing else', () => {
    for (const source of [undefined, null, 5, {}, 'folder']) expect(() => filesOf(source as never)).toThrow(/^"source" expected a/)
    expect(() => filesOf([{ kind: 'file' }] as never)).toThrow('"source" expected a list of DataTransferItem or of File')
  })
})

describe('a directory handle as the target', () => {
  function directory() {
    const files = new Map<string, Uint8Array>()
    const state = { fails: (_: string) => false }
    const check = (call: string) => {
      if (state.fails(call)) throw error('QuotaExceededError')
    }
    const target = handleTarget({
      async getFileHandle(name, { create = false } = {}) {
        check(`get ${name}`)
        if (!files.has(name)) {
          if (!create) throw error('NotFoundError')
          files.set(name, new Uint8Array(0))
        }
        return {
          async createWritable() {
            check(`open ${name}`)
            const pieces: Uint8Array[] = []
            return {
              async write(data) {
                check(`write ${name}`)
                pieces.push(data.slice())
              },
              async close() {
                check(`close ${name}`)
                files.set(name, Buffer.concat(pieces))
              },
              async abort() {},
            }
          },
        }
      },
      async removeEntry(name) {
        files.delete(name)
      },
    })
    return { files, state, target }
  }
  const files = () => Array.from({ length: 6 }, (_, i) => ({ key: `f${i}`, data: 'x'.repeat(i) }))

  it('has the chunks and the manifest', async () => {
    const { files: out, target } = directory()
    expect(await createChunker({ chunkFiles: 4 }).write(files(), target)).toMatchObject({ chunks: 2, members: 6 })
    expect([...out.keys()].sort()).toEqual(['chunk-000001.tar', 'chunk-000002.tar', 'manifest.ndjson'])
    expect((await npmTarStream(out.get('chunk-000002.tar')!)).map(({ name, size }) => [name, size])).toEqual([
      ['f4', 4],
      ['f5', 5],
    ])
    await expect(createChunker().write(files(), target)).rejects.toMatchObject({ code: 'BAD_INPUT', position: { source: 'manifest.ndjson' } })
  })

  it.each(['get', 'open', 'write', 'close'])('that fails at %s keeps nothing of what was not finished', async (call) => {
    const { files: out, state, target } = directory()
    state.fails = (now) => now === `${call} chunk-000002.tar`
    const run = createChunker({ chunkFiles: 4 }).write(files(), target)
    await expect(run).rejects.toMatchObject({ code: 'IO', position: { source: 'chunk-000002.tar' }, message: expect.stringContaining('as the browser says') })
    expect([...out.keys()]).toEqual(['chunk-000001.tar'])
  })

  it('is a directory handle', () => {
    expect(() => handleTarget({} as never)).toThrow('"directory" expected a FileSystemDirectoryHandle')
  })
})
