// A plan as a file: edited by hand, torn, wrong, and followed by pack.
import { describe, expect, it } from 'vitest'
import {
  type PlanWarning,
  packSnowball as pack,
  planSnowball as plan,
  planSnowballLines as planLines,
  readSnowballPlan as readPlan,
} from '../../src/snowball/index.js'
import { sha256 } from '../archive/members.js'
import { virtualPorts } from './memory.js'

async function world(options: { deviceBytes?: number; smallBytes?: number } = {}) {
  const { ports, storage, pass } = virtualPorts()
  for (let i = 0; i < 9; i++) storage.write(`/in/d${i % 3}/f${i}`, new Uint8Array(100 * i).fill(i))
  storage.special('/in/link', 'symlink')
  pass(1000)
  const planning = { source: '/in', chunkFiles: 4, ...options }
  const lines: string[] = []
  for await (const block of planLines({ ...planning, ports })) lines.push(...block.map((line) => JSON.stringify(line)))
  const warnings: PlanWarning[] = []
  return {
    storage,
    ports,
    planning,
    lines,
    warnings,
    async read(text: string) {
      storage.write('/plan', text)
      const { items, head } = await readPlan({ plan: '/plan', ports, onWarning: (warning) => warnings.push(warning) })
      const all = []
      for await (const item of items()) all.push(item)
      return { head, all, chunks: all.filter((item) => item.type === 'chunk') }
    },
    outputs: (output: string) =>
      Object.fromEntries([...storage.nodes].filter(([name]) => name.startsWith(output)).map(([name, { data }]) => [name.slice(output.length), sha256(data)])),
  }
}

const file = (lines: readonly string[]) => `${lines.join('\n')}\n`
const replaced = (lines: readonly string[], n: number, change: object) => lines.with(n, JSON.stringify({ ...JSON.parse(lines[n]), ...change }))

describe('an edited plan', () => {
  it('is as it stands: members deleted, moved and reordered, keys changed, chunks renamed and emptied', async () => {
    const { lines, read } = await world()
    expect(lines.length).toBe(15)
    const [head, c1, a, b, c, d, c2, e, f, g, h, skipped, c3, i, end] = lines
    const changed = (line: string, change: object) => JSON.stringify({ ...JSON.parse(line), ...change })
    const edited = [
      head,
      changed(c1, { chunk: 'chunk-first.tar', bytes: 1, members: 99 }),
      d,
      b,
      '',
      `${changed(a, { key: 'other/key' })}\r`,
      skipped,
      i,
      c2,
      c3,
      c,
      e,
      f,
      g,
      end,
    ]
    expect(h).toBeDefined()
    const { chunks, all } = await read(`\ufeff${edited.join('\n')}`)
    const keys = (line: string) => JSON.parse(line).key
    expect(chunks.map(({ chunk, members }) => [chunk, members.map(({ key }) => key)])).toEqual([
      ['chunk-first.tar', [keys(d), keys(b), 'other/key', keys(i)]],
      ['chunk-000003.tar', [keys(c), keys(e), keys(f), keys(g)]],
    ])
    expect(chunks[0].bytes).toBeGreaterThan(2000)
    expect(all.filter(({ type }) => type === 'skipped')).toEqual([JSON.parse(skipped)])
  })

  it('makes of a large file one that stands alone, wherever it comes from', async () => {
    const { lines, read } = await world({ smallBytes: 500 })
    const large = lines.flatMap((line, i) => (JSON.parse(line).single ? [i] : []))
    expect(large.length).toBe(3)
    const { chunks } = await read(file(lines.filter((_, i) => i !== large[1])))
    expect(chunks.filter(({ single }) => single).length).toBeLessThan(3)
    expect(chunks.flatMap(({ members }) => members).length).toBe(9)
  })

  const wrong: [what: string, edit: (lines: string[]) => string[] | string, message: RegExp][] = [
    ['no end', (lines) => lines.slice(0, -1), /^\/plan, line 15: expected a last line of type end: the plan is not whole$/],
    ['nothing', () => '', /^\/plan, line 1: expected a plan, got an empty file$/],
    ['another version', (lines) => replaced(lines, 0, { version: 2 }), /^\/plan, line 1, byte 0: expected a plan of version 1, got /],
    [
      'a manifest',
      (lines) => ['{"type":"manifest","version":1}', ...lines],
      /line 1, byte 0: expected a plan, which planning a directory or a list gives: "type" expected one of plan, chunk, member/,
    ],
    ['limits that cannot be', (lines) => replaced(lines, 0, { chunkFiles: 0 }), /line 1, byte 0: "chunkFiles" expected a whole number from 1/],
    ['a second head', (lines) => [lines[0], ...lines], /line 2, byte \d+: expected one line of type plan, the first/],
    ['a line that is no JSON', (lines) => lines.with(3, '{"type":"member",'), /line 4, byte \d+: expected a JSON object/],
    ['a line that is no object', (lines) => lines.with(3, 'null'), /line 4, byte \d+: expected a JSON object, got null/],
    ['a type that is none', (lines) => replaced(lines, 3, { type: '__proto__' }), /line 4, byte \d+: "type" expected one of/],
    ['a member before any chunk', (lines) => lines.toSpliced(1, 1), /line 2, byte \d+: expected the line of a chunk before its members/],
    ['a size that is none', (lines) => replaced(lines, 2, { size: -1 }), /line 3, byte \d+: "size" expected a whole number, got -1/],
    ['a time that is none', (lines) => replaced(lines, 2, { mtime: '2026' }), /line 3, byte \d+: "mtime" expected milliseconds since the epoch, got "2026"/],
    ['a key that leads upward', (lines) => replaced(lines, 2, { key: '../x' }), /line 3, byte \d+: expected a key without \.\. segments/],
    ['a key that XML cannot have', (lines) => replaced(lines, 2, { key: 'a\u0001' }), /line 3, byte \d+: expected characters that XML can have/],
    ['a path that is none', (lines) => replaced(lines, 2, { path: '' }), /line 3, byte \d+: "path" expected a path, got ""/],
    ['a chunk named as no chunk', (lines) => replaced(lines, 1, { chunk: '../chunk-1.tar' }), /line 2, byte \d+: "chunk" expected a name such as/],
    [
      'two chunks of one name',
      (lines) => replaced(lines, 6, { chunk: 'chunk-000001.tar' }),
      /line 7, byte \d+: expected each name once, got "chunk-000001\.tar"/,
    ],
    [
      'a key twice',
      (lines) => replaced(lines, 9, { key: JSON.parse(lines[2]).key }),
      /line 10, byte \d+: expected each name once, got "d0\/f0" though "d0\/f0" stands above/,
    ],
    ['more members than chunkFiles', (lines) => lines.toSpliced(12, 1), /line 13, byte \d+: chunk-000002\.tar expected at most 4 members, as chunkFiles says/],
    [
      'more bytes than chunkBytes',
      (lines) => replaced(lines, 0, { chunkBytes: 5120 }),
      /line 5, byte \d+: chunk-000001\.tar takes \d+ bytes with this member, over the 5120 of chunkBytes/,
    ],
    ['lines behind the end', (lines) => [...lines, lines[1]], /line 16, byte \d+: expected nothing behind the line of type end/],
    [
      'a device where there are none',
      (lines) => replaced(lines, 1, { chunk: 'device-02-chunk-1.tar' }),
      /line 2, byte \d+: "device" expected 02, as the chunk's name says, got undefined/,
    ],
    ['a line without end', (lines) => [lines[0], 'x'.repeat(2_000_000)], /line 2, byte \d+: expected a line of at most 1 MiB/],
  ]
  it.each(wrong)('with %s is refused whole, with its place', async (_, edit, message) => {
    const { lines, read } = await world()
    const text = edit(lines)
    const refused = read(typeof text === 'string' ? text : file(text))
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.toMatchObject({ code: 'CORRUPT', position: { source: '/plan' } })
  })

  it('that is no UTF-8 is refused', async () => {
    const { ports, storage } = await world()
    storage.write('/plan', Buffer.from([0x7b, 0xff, 0x7d]))
    await expect(readPlan({ plan: '/plan', ports })).rejects.toThrow(
      '/plan, line 1, byte 0: expected a plan, which planning a directory or a list gives: expected UTF-8',
    )
    storage.write('/plan', '/in/d0/f0,Logs/f0\n')
    await expect(readPlan({ plan: '/plan', ports })).rejects.toThrow('which planning a directory or a list gives: expected a JSON object')
  })

  it('keeps to its devices', async () => {
    const { lines, read } = await world({ deviceBytes: 9000 })
    const { chunks } = await read(file(lines))
    expect(chunks.map(({ device }) => device)).toEqual([1, 2, 3])
    const second = lines.findIndex((line) => line.includes('device-02'))
    await expect(read(file(replaced(lines, second, { device: 1, chunk: 'device-01-chunk-x.tar' })))).rejects.toThrow(
      /device 1 has 9000 bytes, and its chunks up to here take \d+ more/,
    )
    await expect(read(file(replaced(lines, second, { device: 1 })))).rejects.toThrow(/"device" expected 02, as the chunk's name says, got 1/)
    await expect(read(file(replaced(lines, 0, { deviceBytes: [9000] })))).rejects.toThrow(/"device" expected one of the 1 that the plan has, got 2/)
    await expect(read(file(replaced(lines, second, { device: 0 })))).rejects.toThrow('"device" expected a device from 1, got 0')
  })

  it('warns of keys that are alike, whatever chunk they are in', async () => {
    const { lines, read, warnings } = await world()
    await read(file(replaced(lines, 9, { key: 'D0/F0' })))
    expect(warnings).toEqual([
      {
        type: 'warning',
        reason: 'collision',
        path: JSON.parse(lines[9]).path,
        message: '"D0/F0" is "d0/f0" but for case, which Windows and macOS do not tell apart',
      },
    ])
  })

  it('must be a file, and there', async () => {
    const { ports, storage } = await world()
    storage.special('/fifo', 'fifo')
    await expect(readPlan({ plan: '/fifo', ports })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: '/fifo: expected a plan in a file, which is read more than once, got a fifo',
    })
    await expect(readPlan({ plan: '/none', ports })).rejects.toMatchObject({ code: 'IO' })
    await expect(readPlan({ plan: '', ports })).rejects.toThrow('"plan" expected the path of a plan, got ""')
  })
})

describe('pack', () => {
  it('makes the same of a tree, of its plan as a file, and of its plan', async () => {
    const { storage, ports, planning, lines, outputs } = await world()
    storage.write('/plan', file(lines))
    const summary = await pack({ ...planning, output: '/a', ports })
    expect(await pack({ plan: '/plan', output: '/b', ports })).toEqual(summary)
    expect(await pack({ plan: plan({ ...planning, ports }), ...planning, output: '/c', ports })).toEqual(summary)
    expect(outputs('/b')).toEqual(outputs('/a'))
    expect(outputs('/c')).toEqual(outputs('/a'))
  })

  it('follows a plan to another source, and names chunks as it does', async () => {
    const { storage, ports, lines, outputs } = await world({ deviceBytes: 9000 })
    storage.write('/plan', file(lines))
    for (const [name, { data }] of [...storage.nodes]) if (name.startsWith('/in/d')) storage.write(name.replace('/in', '/copy'), data)
    await ports.clock.sleep(1000)
    expect(await pack({ plan: '/plan', source: '/copy', output: '/out', ports })).toMatchObject({ chunks: 3, members: 9, failed: 0 })
    expect(Object.keys(outputs('/out/')).sort()).toEqual([
      'device-01-chunk-000001.tar',
      'device-02-chunk-000002.tar',
      'device-03-chunk-000003.tar',
      'manifest.ndjson',
    ])
    // a run with other chunks takes these away
    expect(await pack({ source: '/in', output: '/out', ports })).toMatchObject({ chunks: 1, reused: 0 })
    expect(Object.keys(outputs('/out/')).sort()).toEqual(['chunk-000001.tar', 'manifest.ndjson'])
  })

  it('takes no options of planning beside a plan, and no plan that is none', async () => {
    const { storage, ports, lines } = await world()
    storage.write('/plan', file(lines))
    await expect(pack({ plan: '/plan', prefix: 'x', output: '/out', ports })).rejects.toThrow('"prefix" expected nothing, as the plan has it already')
    await expect(pack({ plan: 5 as never, source: '/in', output: '/out', ports })).rejects.toThrow(
      '"plan" expected the path of a plan, or what planSnowball gives, got 5',
    )
    async function* hostile() {
      yield { type: 'chunk' as const, chunk: '../../x.tar', bytes: 1, members: [{ path: 'd0/f0', key: 'k', size: 0, mtime: 0 }] }
    }
    await expect(pack({ plan: hostile(), source: '/in', output: '/out', ports })).rejects.toThrow(
      '"chunk" expected a name such as chunk-000001.tar, got "../../x.tar"',
    )
    await expect(pack({ plan: '/plan', output: '/in', ports })).rejects.toThrow('got the source itself')
  })
})

it('the progress of packing it knows from the start how much that is, as the members say', async () => {
  const { storage, ports, lines } = await world()
  storage.write('/plan', file(replaced(lines, lines.length - 1, { chunks: 99, members: 99, bytes: 99 }).toSpliced(2, 1)))
  const planned: object[] = []
  await pack({ plan: '/plan', output: '/out', ports, onProgress: (progress) => void planned.push(progress.planned) })
  const total = {
    chunks: 3,
    members: 8,
    bytes: lines.map((line) => JSON.parse(line)).reduce((sum, { type, size }, i) => sum + (type === 'member' && i !== 2 ? size : 0), 0),
    whole: true,
  }
  expect(planned.length).toBeGreaterThan(2)
  for (const told of planned) expect(told).toEqual(total)
})
