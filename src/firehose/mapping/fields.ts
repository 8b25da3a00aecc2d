// The fields that a mapping names, as a tree: each is looked for where its parent is.
import { outOfRange, wrongType } from '../../errors.js'
import { tokensOf } from '../../kinesis/producer/ndjson.js'

/** Levels and bytes of a name that the core has room for (assembly/transform/mapping/program.ts). */
const LEVELS = 32
const NAME_BYTES = 1024

export interface Field {
  /** Index in Fields.all. */
  id: number
  name: string
  /** As the mapping has it; undefined where it names only fields below. */
  path: string
  parent: Field | undefined
  children: Map<string, Field>
  /** What the mapping does to it: `rename` beside one of the others at most. */
  edit: { name: 'remove' | 'redact' | 'hash' | 'cast' | 'add'; label: string; kind: number; text?: string } | undefined
  rename: { to: string; label: string } | undefined
}

const encoder = new TextEncoder()

export class Fields {
  readonly root: Field = { id: 0, name: '', path: '', parent: undefined, children: new Map(), edit: undefined, rename: undefined }
  /** Parents before their children. */
  readonly all: Field[] = [this.root]

  /** The field of that name or JSON Pointer. Throws TypeError, RangeError. */
  at(path: unknown, label: string): Field {
    if (typeof path !== 'string') throw wrongType(label, 'the name of a field or a JSON Pointer', path)
    checkText(path, label)
    if (path.startsWith('/') && /~(?![01])/.test(path)) throw outOfRange(label, 'a JSON Pointer, in which "~" is followed by 0 or 1', path)
    const tokens = tokensOf(path)
    if (tokens.length > LEVELS) throw outOfRange(label, `a JSON Pointer of at most ${LEVELS} levels`, tokens.length)
    return tokens.reduce((field, name) => field.children.get(name) ?? this.#add(field, name, label), this.root)
  }

  #add(parent: Field, name: string, label: string): Field {
    if (encoder.encode(name).length > NAME_BYTES) throw outOfRange(label, `names of at most ${NAME_BYTES} bytes`, name)
    const path = `${parent.path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const field: Field = { id: this.all.length, name, path, parent, children: new Map(), edit: undefined, rename: undefined }
    parent.children.set(name, field)
    this.all.push(field)
    return field
  }
}

/** The field and all around it, from the inside out, without the record. */
export function* upwards(field: Field): Generator<Field> {
  for (let f: Field | undefined = field; f?.parent; f = f.parent) yield f
}

/** Throws RangeError for a lone surrogate: no record in UTF-8 has it. */
export function checkText(text: string, label: string): void {
  if (/\p{Surrogate}/u.test(text)) throw outOfRange(label, 'text without lone surrogates', text)
}

/** Index of an array's element that the name may be, -1 for none. */
export const indexOf = (name: string): number => (/^(?:0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : -1)
