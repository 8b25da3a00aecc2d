import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BAD_INPUT, INPUT_ENDS, OUTPUT_FULL, TAR_CHECKSUM, TAR_ENTRY, TAR_LONG, TAR_NAME, TAR_NUMBER, TAR_PAX, TAR_SPARSE } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'
import { headers } from './members.js'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-untar-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** One call of the kernel, as plain data. */
function parse(engine: Engine, bytes: Uint8Array, cap = bytes.length + 1024) {
  return engine.scope(() => {
    const source = engine.put(bytes)
    const target = engine.reserve(cap)
    engine.bytes().fill(0xaa, target, target + cap + 64)
    engine.bytes().fill(0, engine.core.report(), engine.core.report() + 32)
    const status = engine.core.tarEntry(source, bytes.length, target, cap)
    expect(engine.bytes().subarray(target + cap, target + cap + 64)).toEqual(new Uint8Array(64).fill(0xaa))
    if (status < 0) return { status, ...report(engine) }
    const [type, nameSize, low, high] = engine.words().slice(target / 4, target / 4 + 4)
    const name = Buffer.from(engine.bytes().slice(target + TAR_ENTRY, target + TAR_ENTRY + nameSize)).toString()
    return { status, type: String.fromCharCode(type), name, size: high * 2 ** 32 + low }
  })
}

/** A header with fields of one's own and a right checksum. */
function header(fields: { name?: string; size?: string | Uint8Array; type?: string; prefix?: string; magic?: string; signed?: boolean } = {}): Buffer {
  const b = Buffer.alloc(512)
  b.write(fields.name ?? 'name', 0, 100)
  b.write('0000644\0', 100)
  b.set(typeof fields.size === 'object' ? fields.size : Buffer.from(fields.size ?? '00000000000\0'), 124)
  b.write(fields.type ?? '0', 156, 'latin1')
  b.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  b.write(fields.prefix ?? '', 345, 155)
  b.fill(0x20, 148, 156)
  const sum = fields.signed ? new Int8Array(b).reduce((a, x) => a + x, 0) : b.reduce((a, x) => a + x, 0)
  b.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return b
}

const octal = (n: number) => `${n.toString(8).padStart(11, '0')}\0`

function extended(type: string, data: string | Uint8Array): Buffer {
  const body = Buffer.from(data)
  return Buffer.concat([header({ type, size: octal(body.length) }), body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

/** A pax record with its own length in front. */
function pax(keyword: string, value: string): string {
  const rest = Buffer.byteLength(` ${keyword}=${value}\n`)
  let size = rest + String(rest).length
  if (rest + String(size).length !== size) size = rest + String(size).length
  return `${size} ${keyword}=${value}\n`
}

describe.each(builds)('tarEntry (%s)', (_, engine) => {
  const bad = (bytes: Uint8Array) => {
    const seen = parse(engine, bytes)
    return 'detail' in seen ? [seen.status, seen.detail] : seen
  }

  it('reads back what tarHeaders wrote', () => {
    const members = [
      { name: 'a', size: 0 },
      { name: 'é/中', size: 2 ** 33 - 1 },
      { name: `${'p'.repeat(155)}/${'n'.repeat(100)}`, size: 5 },
      { name: 'x'.repeat(900), size: 2 ** 40 },
      { name: 'y'.repeat(60_000), size: 2 ** 53 - 1 },
    ]
    const { bytes, at } = headers(engine, members)
    members.forEach(({ name, size }, i) => {
      expect(parse(engine, bytes.subarray(at[i], at[i + 1]))).toEqual({ status: at[i + 1] - at[i], type: '0', name, size })
    })
  })

  it.each(['v7', 'ustar', 'oldgnu', 'gnu', 'posix'])('reads what GNU tar writes as %s', (format) => {
    const root = mkdtempSync(join(dir, `${format}-`))
    const deep = format === 'v7' ? 'd/e' : format === 'ustar' ? `${'d'.repeat(90)}/${'e'.repeat(60)}` : `${'d'.repeat(200)}/${'é'.repeat(120)}`
    mkdirSync(join(root, deep), { recursive: true })
    const name = `${deep}/file-ö`
    writeFileSync(join(root, name), 'content')
    const bytes = execFileSync('tar', ['-C', root, `--format=${format}`, '-cf', '-', name])
    expect(parse(engine, bytes)).toMatchObject({ type: '0', name, size: 7 })
    const links = execFileSync(
      'sh',
      ['-c', 'ln -s target link; mkfifo fifo; mkdir dir; tar --format="$1" -cf - link fifo dir 2>/dev/null || true', 'sh', format],
      { cwd: root },
    )
    const kinds: string[] = []
    for (let at = 0; ; ) {
      const entry = parse(engine, links.subarray(at))
      if (!('type' in entry) || entry.type === '\0') break
      kinds.push(`${entry.type}${entry.name}`)
      at += entry.status + (entry.size ?? 0)
    }
    expect(kinds).toEqual(format === 'v7' ? ['2link', '5dir/'] : ['2link', '6fifo', '5dir/'])
  })

  it('refuses a checksum that is no number, also where the signed sum is -1', () => {
    const b = header()
    b.fill('z', 148, 156)
    let rest = 257 + new Int8Array(b).reduce((a, x, i) => a + (i >= 148 && i < 156 ? 0 : x), 0)
    // linkname takes the sum down
    for (let at = 157; rest > 0; at++) rest += b.writeInt8(-Math.min(rest, 128), at) && b.readInt8(at)
    expect(parse(engine, b)).toMatchObject({ status: BAD_INPUT, detail: TAR_CHECKSUM })
  })

  it('reads base-256 and odd octal sizes, signed checksums, v7 names', () => {
    const size = Buffer.alloc(12)
    size[0] = 0x80
    size.writeBigUInt64BE(2n ** 40n + 5n, 4)
    expect(parse(engine, header({ size }))).toMatchObject({ size: 2 ** 40 + 5 })
    expect(parse(engine, header({ size: '       17 \0 ' }))).toMatchObject({ size: 15 })
    expect(parse(engine, header({ size: '000000000017' }))).toMatchObject({ size: 15 })
    expect(parse(engine, header({ size: '\0'.repeat(12) }))).toMatchObject({ size: 0 })
    expect(parse(engine, header({ name: 'é', signed: true }))).toMatchObject({ name: 'é' })
    expect(parse(engine, header({ magic: '', type: '\0', prefix: 'junk' }))).toMatchObject({ name: 'name', type: '0' })
    expect(parse(engine, header({ magic: 'ustar  \0', prefix: 'junk' }))).toMatchObject({ name: 'name' })
    expect(parse(engine, header({ prefix: 'p' }))).toMatchObject({ name: 'p/name' })
    expect(parse(engine, header({ name: 'dir/' }))).toMatchObject({ name: 'dir/', type: '5' })
    expect(parse(engine, header({ type: '1', size: octal(99) }))).toMatchObject({ type: '1', size: 0 })
    expect(parse(engine, new Uint8Array(512))).toMatchObject({ status: 512, type: '\0' })
  })

  it('takes pax before GNU before the header, the last record of a keyword, an empty value as none', () => {
    const entry = (...parts: (string | Uint8Array)[]) => parse(engine, Buffer.concat([...parts.map((p) => Buffer.from(p)), header({ size: octal(3) })]))
    expect(entry(extended('x', pax('path', 'one') + pax('mtime', '1.5') + pax('path', 'two')))).toMatchObject({ name: 'two', size: 3 })
    expect(entry(extended('x', pax('path', 'pax')), extended('L', 'gnu\0'))).toMatchObject({ name: 'pax' })
    expect(entry(extended('L', 'gnu\0'), extended('x', pax('path', 'pax')))).toMatchObject({ name: 'pax' })
    expect(entry(extended('L', 'gnu\0'), extended('K', 'target\0'))).toMatchObject({ name: 'gnu' })
    expect(entry(extended('x', pax('path', 'x') + pax('path', '')))).toMatchObject({ name: 'name' })
    expect(entry(extended('x', pax('size', '12345678901') + pax('comment', '=\n=')))).toMatchObject({ size: 12345678901 })
    expect(entry(extended('g', pax('comment', 'from git')))).toMatchObject({ name: 'name' })
    expect(entry(extended('x', pax('path', 'y'.repeat(5000))))).toMatchObject({ name: 'y'.repeat(5000) })
  })

  it('refuses what is broken or means different things to different readers', () => {
    const flipped = header()
    flipped[3] ^= 1
    expect(bad(flipped)).toEqual([BAD_INPUT, TAR_CHECKSUM])
    expect(bad(Buffer.alloc(512, 0xff))).toEqual([BAD_INPUT, TAR_CHECKSUM])
    for (const size of ['0000000000x\0', '-0000000001\0', '00 00000000\0']) expect(bad(header({ size }))).toEqual([BAD_INPUT, TAR_NUMBER])
    expect(bad(header({ size: Buffer.alloc(12, 0xff) }))).toEqual([BAD_INPUT, TAR_NUMBER])
    expect(bad(header({ size: Buffer.from([0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0]) }))).toEqual([BAD_INPUT, TAR_NUMBER])
    for (const type of ['2', '3', '4', '5', '6']) expect(bad(header({ type, size: octal(512) }))).toEqual([BAD_INPUT, TAR_NUMBER])
    expect(bad(header({ type: 'S' }))).toEqual([BAD_INPUT, TAR_SPARSE])
    expect(bad(header({ name: '' }))).toEqual([BAD_INPUT, TAR_NAME])
    expect(bad(header({ name: 'dir/', size: octal(512) }))).toEqual([BAD_INPUT, TAR_NAME])
    const before = (x: Uint8Array) => Buffer.concat([x, header()])
    for (const text of [
      '',
      'x',
      '5',
      '5 ',
      '0 a=b\n',
      '3 =\n',
      '99999999999 path=a\n',
      '8 path=a\n',
      '9 path=a\n\n',
      '10 path=a ',
      '9 path a\n',
      '-9 path=a\n',
      ' 9 path=a\n',
    ])
      if (text !== '') expect(bad(before(extended('x', text))), text).toEqual([BAD_INPUT, TAR_PAX])
    expect(bad(before(extended('x', pax('path', 'a\0b'))))).toEqual([BAD_INPUT, TAR_NAME])
    for (const size of ['-1', '1e3', '99999999999999999999', '9007199254740993', ' 1'])
      expect(bad(before(extended('x', pax('size', size)))), size).toEqual([BAD_INPUT, TAR_NUMBER])
    expect(bad(before(extended('x', pax('GNU.sparse.major', '1'))))).toEqual([BAD_INPUT, TAR_SPARSE])
    expect(bad(before(extended('g', pax('path', 'all'))))).toEqual([BAD_INPUT, TAR_PAX])
    expect(bad(Buffer.concat([extended('x', pax('path', 'a')), new Uint8Array(1024)]))).toEqual([BAD_INPUT, TAR_PAX])
    expect(bad(Buffer.concat(Array(9).fill(extended('x', pax('path', 'a')))))).toEqual([BAD_INPUT, TAR_LONG])
    expect(bad(header({ type: 'x', size: octal(2 ** 20 + 1) }))).toEqual([BAD_INPUT, TAR_LONG])
  })

  it('says how much it needs, of input and of output', () => {
    const whole = Buffer.concat([extended('x', pax('path', 'n'.repeat(600))), header()])
    for (const [length, needs] of [
      [0, 512],
      [511, 512],
      [512, 2048],
      [1536, 2048],
      [2047, 2048],
    ])
      expect(parse(engine, whole.subarray(0, length))).toMatchObject({ status: INPUT_ENDS, consumed: needs })
    expect(parse(engine, whole, 100)).toMatchObject({ status: OUTPUT_FULL, produced: TAR_ENTRY + 600 })
  })

  it('neither reads nor writes out of bounds on damaged headers, and both builds agree', () => {
    const base = Buffer.concat([extended('x', pax('path', 'some/é/path') + pax('size', '77')), extended('L', 'gnu-name\0'), header({ prefix: 'pre' })])
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(base.length), fc.boolean(), (edits, length, mend) => {
        const bytes = Buffer.from(base)
        for (const [at, value] of edits) bytes[at] = value
        // with its checksums mended the damage reaches the fields behind them
        if (mend) {
          for (const at of [0, 1024, 2048]) {
            bytes.fill(0x20, at + 148, at + 156)
            const sum = bytes.subarray(at, at + 512).reduce((a, x) => a + x, 0)
            bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
          }
        }
        const results = builds.map(([, other]) => parse(other, bytes.subarray(0, length)))
        expect(results[0]).toEqual(results[1])
      }),
      { numRuns: 1500 },
    )
  })
})
