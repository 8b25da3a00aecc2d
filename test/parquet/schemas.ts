// Generated schemas: trees of fields of every type, as deep as asked for.
import fc from 'fast-check'
import type { Field, Leaf } from '../../src/types.js'

const plain = fc.constantFrom(
  ...(['boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double', 'string', 'json', 'uuid', 'date'] as const).map(
    (type): Leaf => ({ type }),
  ),
)
const unit = fc.constantFrom('ms' as const, 'us' as const, 'ns' as const)
const epoch = fc.constantFrom({}, { epoch: 's' as const }, { epoch: 'auto' as const })
const utc = fc.constantFrom({}, { utc: false })

export const leaves: fc.Arbitrary<Leaf> = fc.oneof(
  { weight: 4, arbitrary: plain },
  fc.constantFrom<Leaf>({ type: 'binary' }, { type: 'binary', encoding: 'hex' }),
  unit.map((unit): Leaf => ({ type: 'time', unit })),
  fc.tuple(unit, epoch, utc).map(([unit, epoch, utc]): Leaf => ({ type: 'timestamp', unit, ...epoch, ...utc })),
  epoch.map((epoch): Leaf => ({ type: 'timestamp', int96: true, ...epoch })),
  fc.integer({ min: 1, max: 38 }).chain((precision) => fc.integer({ min: 0, max: precision }).map((scale): Leaf => ({ type: 'decimal', precision, scale }))),
)

const NAMES = [
  'a',
  'b',
  'Ab',
  'list',
  'struct',
  'not',
  'comment',
  'x y',
  'a.b',
  'a:b',
  'a`b',
  'a"b',
  '<',
  '--',
  '/*',
  '1',
  '__proto__',
  'constructor',
  'é',
  '🙂',
]

/** Fields of one object, names and keys distinct even without case. */
export function fieldsOfDepth(depth: number, leaf: fc.Arbitrary<Leaf> = leaves): fc.Arbitrary<Field[]> {
  return fc
    .uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
    .chain((names) =>
      fc
        .tuple(...names.map(() => fc.tuple(shape(depth, leaf), fc.boolean(), fc.boolean())))
        .map((shapes) =>
          shapes.map(([shape, nullable, renamed], i): Field => ({ name: names[i], key: renamed ? `${names[i]}-key` : names[i], nullable, ...shape })),
        ),
    )
}

type Shape = Pick<Field, 'leaf' | 'struct' | 'list' | 'map'>

function shape(depth: number, leaf: fc.Arbitrary<Leaf>): fc.Arbitrary<Shape> {
  const single = leaf.map((leaf): Shape => ({ leaf }))
  if (depth === 0) return single
  const inner = shape(depth - 1, leaf)
  const part = (name: string) => fc.tuple(inner, fc.boolean()).map(([shape, nullable]): Field => ({ name, key: name, nullable, ...shape }))
  return fc.oneof(
    { weight: 2, arbitrary: single },
    part('element').map((list): Shape => ({ list })),
    fc
      .tuple(
        leaf.filter(({ type }) => type !== 'json'),
        part('value'),
      )
      .map(([leaf, value]): Shape => ({ map: { key: { name: 'key', key: 'key', nullable: false, leaf }, value } })),
    fieldsOfDepth(depth - 1, leaf).map((struct): Shape => ({ struct })),
  )
}
