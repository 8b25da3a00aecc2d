// The bytes that the core runs a mapping by: assembly/transform/mapping/program.ts has the layout.
import { FLAG_CSV, FLAG_FLATTEN, FLAG_SELECT, PIECE_FIELD, PIECE_OPERATION, PIECE_TEXT } from '../../engine/transform-core.js'
import type { Instruction } from './condition.js'
import { type Field, type Fields, indexOf } from './fields.js'

/** A checked mapping. */
export interface Plan {
  fields: Fields
  where: Instruction[]
  outputs: { name: string; field: Field }[] | undefined
  /** What comes behind the members of a record, as JSON or CSV. */
  added: string
  separator: string | undefined
  csv: boolean
  salt: string
  onCast: number
  metadata: Piece[]
}

/** A stretch of the metadata's JSON. */
export type Piece = { text: string } | { field: Field; operation: boolean; default: string | undefined }

const HEADER_WORDS = 16
const encoder = new TextEncoder()

/** Texts and tables, each at an offset that is known once it is put. */
class Heap {
  readonly bytes: number[] = new Array(HEADER_WORDS * 4).fill(0)

  /** Offset and size. */
  text(text: string): [number, number] {
    return this.put(encoder.encode(text))
  }

  put(bytes: ArrayLike<number>): [number, number] {
    const at = this.bytes.length
    for (let i = 0; i < bytes.length; i++) this.bytes.push(bytes[i])
    return [at, bytes.length]
  }

  /** Offset of little-endian words, at a multiple of 4. */
  words(words: readonly number[]): number {
    while (this.bytes.length % 4 !== 0) this.bytes.push(0)
    const at = this.bytes.length
    for (const word of words) this.bytes.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24)
    return at
  }
}

export function assemble(plan: Plan): Uint8Array {
  const { fields, where, outputs, added, separator, csv, salt, metadata } = plan
  const heap = new Heap()
  const flags = (outputs ? FLAG_SELECT : 0) | (separator === undefined ? 0 : FLAG_FLATTEN) | (csv ? FLAG_CSV : 0)
  const edits = fields.all.map((field) => editOf(field, plan, heap))
  const kin = kinOf(fields)
  const nodes = heap.words(fields.all.flatMap((field, i) => nodeOf(field, kin[i], edits[i], heap)))
  const instructions = where.map(({ op, node, constants }) => {
    const values = constants.map(({ type, text, failures }) => [type, ...heap.text(text), failures ? heap.put(new Uint8Array(failures.buffer))[0] : 0])
    return [op, node, heap.words(values.flat()), constants.length]
  })
  const whereAt = heap.words(instructions.flat())
  const outputsAt = heap.words((outputs ?? []).flatMap(({ name, field }) => [field.id, ...heap.text(`${JSON.stringify(name)}:`)]))
  const metadataAt = heap.words(metadata.flatMap((piece) => pieceOf(piece, heap)))
  const texts = [salt, added, JSON.stringify(separator ?? '').slice(1, -1)].flatMap((text) => heap.text(text))
  const header = [nodes, fields.all.length, flags, whereAt, where.length, outputsAt, outputs?.length ?? 0, metadataAt, metadata.length, ...texts]
  header[HEADER_WORDS - 1] = heap.bytes.length
  const bytes = Uint8Array.from(heap.bytes)
  const view = new DataView(bytes.buffer)
  header.forEach((word, i) => {
    view.setUint32(4 * i, word, true)
  })
  return bytes
}

/** Offset of the edit, 0 for none. */
function editOf({ edit, rename }: Field, { onCast }: Plan, heap: Heap): number {
  if (!edit && !rename) return 0
  const key = rename ? heap.text(JSON.stringify(rename.to)) : [0, 0]
  const text = edit?.text === undefined ? [0, 0] : heap.text(edit.text)
  return heap.words([edit?.kind ?? 0, ...key, ...text, onCast])
}

interface Kin {
  /** Ids of its first child and of the sibling behind it, 0 for none. */
  child: number
  sibling: number
}

/** Of every field, by its id. */
function kinOf({ all }: Fields): Kin[] {
  const kin = all.map((): Kin => ({ child: 0, sibling: 0 }))
  for (const { id, children } of all) {
    let before = -1
    for (const child of ordered(children.values())) {
      if (before < 0) kin[id].child = child.id
      else kin[before].sibling = child.id
      before = child.id
    }
  }
  return kin
}

function nodeOf({ name, parent }: Field, { child, sibling }: Kin, edit: number, heap: Heap): number[] {
  const words = [...heap.text(name), parent?.id ?? 0, indexOf(name), child, sibling, edit]
  return [...words, ...new Array(16 - words.length).fill(0)]
}

/** Those that may be an element of an array first, by index. */
function ordered(all: Iterable<Field>): Field[] {
  const children = [...all]
  const elements = children.filter(({ name }) => indexOf(name) >= 0).sort((a, b) => indexOf(a.name) - indexOf(b.name))
  return [...elements, ...children.filter(({ name }) => indexOf(name) < 0)]
}

function pieceOf(piece: Piece, heap: Heap): number[] {
  if ('text' in piece) return [PIECE_TEXT, ...heap.text(piece.text), 0, 0, 0]
  const otherwise = piece.default === undefined ? [0, 0] : heap.text(JSON.stringify(piece.default))
  return [piece.operation ? PIECE_OPERATION : PIECE_FIELD, 0, 0, piece.field.id, ...otherwise]
}
