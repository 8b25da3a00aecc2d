// The files of a folder that a person has picked or dropped, by whatever the browser has for it.
import { wrongType } from '../../errors.js'
import { compareKeys } from '../keys.js'
import type { BlobLike, ChunkerFile } from './file.js'

/** As much of a FileSystemHandle as is needed; a file's has getFile(), a directory's values(). */
export interface Handle {
  readonly kind: string
  readonly name: string
}

export interface DirectoryHandle extends Handle {
  values(): AsyncIterable<Handle>
}

/** As much of a DataTransferItem as is needed. */
export interface DroppedItem {
  readonly kind: string
  getAsFile(): BlobLike | null
  webkitGetAsEntry(): object | null
}

/** As much of a File as is needed. */
export interface PickedFile extends BlobLike {
  readonly name: string
  readonly webkitRelativePath: string
}

/** What of a FileSystemEntry is needed. */
interface Entry {
  isFile: boolean
  isDirectory: boolean
  name: string
  file(done: (file: BlobLike) => void, failed: (error: unknown) => void): void
  createReader(): { readEntries(done: (entries: Entry[]) => void, failed: (error: unknown) => void): void }
}

/** A file, or a directory; an entry of another kind has neither. */
interface Node {
  name: string
  file?: () => Promise<BlobLike>
  list?: () => Promise<Node[]>
}

/** Files that are opened at the same time: each is a message to another process of the browser. */
const AHEAD = 32

/**
 * The files of a folder, for createChunker(): of a FileSystemDirectoryHandle (showDirectoryPicker(), OPFS), of the
 * `items` of a drop, or of the `files` of `<input type="file" webkitdirectory>`. Keys are the paths below the
 * handle; of a drop and of an input with the folder's own name before them. They come in the order of the UTF-8
 * bytes of the keys, as packSnowball() has it. What cannot be opened, a directory too, is left out by the
 * chunker with its reason. Holds the names of the directories it stands in.
 *
 * What the browser does not tell of cannot be told here: links, and of handles in Chromium names with a backslash
 * or a control character in them too. Of a drop and an input those are left out, and said.
 *
 * Call it for a drop while the event is being handled: later the browser has emptied its list. A directory of
 * Node's is packSnowball()'s.
 *
 * @example
 * const directory = await showDirectoryPicker()
 * for await (const chunk of createChunker().chunks(filesOf(directory))) await upload(chunk.name, chunk.stream())
 */
export function filesOf(source: DirectoryHandle | ArrayLike<DroppedItem> | ArrayLike<PickedFile>): AsyncGenerator<ChunkerFile, void, undefined> {
  if (isDirectory(source)) return walk(() => listed(source), '')
  const all = typeof source === 'object' && source !== null && 'length' in source ? Array.from<DroppedItem | PickedFile>(source) : undefined
  if (!all) throw wrongType('source', 'a FileSystemDirectoryHandle, a DataTransferItemList or a FileList', source)
  if (all.every(isPicked)) return picked(all)
  if (!all.every(isDropped)) throw wrongType('source', 'a list of DataTransferItem or of File', source)
  // all at once, while the list is there
  const roots = all.filter(({ kind }) => kind === 'file').flatMap(dropped)
  return walk(async () => roots, '')
}

const isDirectory = (source: unknown): source is DirectoryHandle =>
  typeof (source as DirectoryHandle | null)?.values === 'function' && 'kind' in (source as object)
const isPicked = (item: unknown): item is PickedFile => typeof (item as PickedFile | null)?.arrayBuffer === 'function'
const isDropped = (item: unknown): item is DroppedItem => typeof (item as DroppedItem | null)?.getAsFile === 'function'

async function* picked(files: PickedFile[]): AsyncGenerator<ChunkerFile, void, undefined> {
  const all = files.map((file) => ({ key: file.webkitRelativePath || file.name, size: file.size, data: file }))
  yield* all.sort((a, b) => compareKeys(a.key, b.key))
}

/** By the entry, which all browsers have, and not by a handle, which in Chromium hides names that it finds unsafe. */
function dropped(item: DroppedItem): Node[] {
  const entry = item.webkitGetAsEntry() as Entry | null
  if (entry) return [ofEntry(entry)]
  // an image of a page, say, that is no file of a disk
  const file = item.getAsFile() as PickedFile | null
  return file ? [{ name: file.name, file: async () => file }] : []
}

function ofHandle(handle: Handle): Node {
  const { kind, name } = handle
  if (kind === 'file') return { name, file: () => (handle as Handle & { getFile(): Promise<BlobLike> }).getFile() }
  return kind === 'directory' ? { name, list: () => listed(handle as DirectoryHandle) } : { name }
}

async function listed(directory: DirectoryHandle): Promise<Node[]> {
  const nodes: Node[] = []
  for await (const handle of directory.values()) nodes.push(ofHandle(handle))
  return nodes
}

function ofEntry(entry: Entry): Node {
  const { name } = entry
  if (entry.isFile) return { name, file: () => new Promise((resolve, reject) => entry.file(resolve, reject)) }
  if (!entry.isDirectory) return { name }
  return {
    name,
    async list() {
      const reader = entry.createReader()
      const nodes: Node[] = []
      for (;;) {
        // Chromium gives 100 at a time
        const more = await new Promise<Entry[]>((resolve, reject) => reader.readEntries(resolve, reject))
        if (more.length === 0) return nodes
        for (const one of more) nodes.push(ofEntry(one))
      }
    },
  }
}

async function* walk(roots: () => Promise<Node[]>, root: string): AsyncGenerator<ChunkerFile, void, undefined> {
  const stack = [{ path: root, nodes: sorted(await roots()), at: 0 }]
  for (let top = stack[0]; top; top = stack[stack.length - 1]) {
    const { path, nodes, at } = top
    const pathOf = ({ name }: Node) => (path === '' ? name : `${path}/${name}`)
    if (at === nodes.length) {
      stack.pop()
      continue
    }
    const { list } = nodes[at]
    if (list) {
      top.at++
      const below = pathOf(nodes[at])
      try {
        stack.push({ path: below, nodes: sorted(await list()), at: 0 })
      } catch (error) {
        yield failed(below, error)
      }
      continue
    }
    let end = at
    while (end < nodes.length && end - at < AHEAD && !nodes[end].list) end++
    top.at = end
    yield* await Promise.all(nodes.slice(at, end).map((node) => found(pathOf(node), node)))
  }
}

async function found(key: string, { file }: Node): Promise<ChunkerFile> {
  try {
    if (!file) throw new Error('neither a file nor a directory')
    const data = await file()
    return { key, size: data.size, data }
  } catch (error) {
    return failed(key, error)
  }
}

/** A file that cannot be read, so that the chunker tells of it. */
const failed = (key: string, error: unknown): ChunkerFile => ({ key, data: () => Promise.reject(error) })

/** So that whole paths come in the order of their bytes: a directory as its name and "/". */
function sorted(nodes: Node[]): Node[] {
  const all = nodes.map((node) => ({ node, sort: node.list ? `${node.name}/` : node.name }))
  return all.sort((a, b) => compareKeys(a.sort, b.sort)).map(({ node }) => node)
}
