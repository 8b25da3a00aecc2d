// A tree of the worst names and sizes that a file system takes, from one seed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Member, sha256 } from '../../archive/members.js'

export interface HostileTree {
  /** What belongs into archives, in the order of the UTF-8 bytes of the names. */
  files: Member[]
  /** What our rules for keys refuse, as the walk sees the name, and what is said of it. */
  refused: { path: string; says: RegExp }[]
  /** What is no regular file. */
  skipped: string[]
}

export type Random = (below: number) => number

/** Whole numbers below a bound, by mulberry32. */
export function random(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const NAME_BYTES = 255
const SIZES = [0, 1, 511, 512, 513]
/** What is no Char of XML 1.0 (production 2), in which S3 lists keys. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
const bytesOf = (text: string) => Buffer.byteLength(text)

/**
 * Writes the tree below `root`, an empty directory. `full`: every code point of Unicode stands in some
 * name, and a directory has 100,000 entries; else a few of every 256 code points, and 2,000 entries.
 */
export function hostileTree(root: string, seed: number, full: boolean): HostileTree {
  const pick = random(seed)
  const noise = Buffer.from(Array.from({ length: (1 << 20) + 4096 }, () => pick(256)))
  const tree: HostileTree = { files: [], refused: [], skipped: [] }
  const made = new Set<string>()
  const folder = (path: Buffer) => {
    const key = path.toString('latin1')
    if (made.has(key)) return
    mkdirSync(path, { recursive: true })
    made.add(key)
  }
  const put = (path: string | Buffer, size = SIZES[pick(SIZES.length)]) => {
    const at = pick(4096)
    const data = noise.subarray(at, at + size)
    const whole = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path as string)])
    folder(whole.subarray(0, whole.lastIndexOf(0x2f)))
    writeFileSync(whole, data, { flag: 'wx' })
    return data
  }
  const file = (name: string, size?: number) => {
    if (UNWRITABLE.test(name)) return refused(name, /XML/)
    const data = put(name, size)
    tree.files.push({ name, size: data.length, sha256: sha256(data) })
  }
  const refused = (path: string | Buffer, says: RegExp) => {
    put(path)
    tree.refused.push({ path: path.toString(), says })
  }

  for (const name of scripts(pick, full)) file(name)
  for (const name of SPECIAL) file(`special/${name}`)
  for (const name of [...PREFIXED, ...lengths(full), ...splits(full)]) file(name)
  for (const size of [...SIZES, (1 << 20) - 1, 1 << 20, (1 << 20) + 1]) file(`sizes/${size}`, size)
  for (let i = 0; i < (full ? 100_000 : 2000); i++) file(`wide/${i.toString(36)}`, i % 7 === 0 ? 1 : 0)

  // 933 bytes are the most for a key
  const long = (bytes: number) => `${'k'.repeat(250)}/${'中'.repeat(83)}/${'е'.repeat(125)}/${'😀'.repeat(40)}/${'m'.repeat(bytes - 250 - 249 - 250 - 160 - 4)}`
  for (const bytes of [932, 933]) file(long(bytes))
  for (const bytes of [934, 935, 1100]) refused(long(bytes), /at most 933 bytes/)
  for (const name of ['a\\..\\b', '..\\up', 'deep/..\\..\\up', 'x\\..', 'y/z\\..']) refused(name, /\.\. segments/)
  for (const name of ['\\root', '\\\\server\\share', 'C:', 'c:x', 'Z:\\y', 'q:/w']) refused(name, /relative/)
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe4, 0xb8]])
    refused(Buffer.from([...Buffer.from('bytes/bad-'), ...bytes]), /UTF-8/)
  // a name that is U+FFFD in truth, beside one that is only read as such
  file('bytes/twin-\uFFFD')
  refused(Buffer.from([...Buffer.from('bytes/twin-'), 0xff]), /UTF-8/)

  symlinkSync('/etc/passwd', `${root}/special/link`)
  symlinkSync('..', `${root}/special/loop`)
  execFileSync('mkfifo', [`${root}/special/fifo`])
  tree.skipped.push('special/link', 'special/loop', 'special/fifo')
  tree.files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  return tree
}

/** Names of 1 to 255 bytes out of every 256 code points of Unicode: so every script, its marks, private use and noncharacters. */
function* scripts(pick: Random, full: boolean): Generator<string> {
  for (let row = 0; row < 0x110000; row += 256) {
    // of the planes that hold next to nothing yet, a few rows will do
    if ((row >= 0xd800 && row < 0xe000) || (!full && row >= 0x20000 && row % 0x2000 > 0)) continue
    const all = Array.from({ length: 256 }, (_, i) => String.fromCodePoint(row + i)).filter((letter) => letter !== '\0' && letter !== '/')
    const letters = all.filter((letter) => !UNWRITABLE.test(letter))
    for (const letter of all) if (UNWRITABLE.test(letter)) yield `unwritable-${letter.codePointAt(0)}/a${letter}`
    // shuffled
    for (let i = letters.length - 1; i > 0; i--) {
      const j = pick(i + 1)
      ;[letters[i], letters[j]] = [letters[j], letters[i]]
    }
    for (let at = 0; at < letters.length; ) {
      const room = full ? NAME_BYTES - pick(8) : 1 + pick(NAME_BYTES)
      let name = ''
      for (let bytes = 0; at < letters.length && bytes + bytesOf(letters[at]) <= Math.max(room, 4); at++) {
        name += letters[at]
        bytes += bytesOf(letters[at])
      }
      // two dots behind a backslash are refused, and have cases of their own
      if (name !== '.' && !name.split('\\').includes('..')) yield `script-${(row >> 12).toString(16)}/${name}`
      if (!full) break
    }
  }
}

const words = (text: string) => text.split(' ')

const SPECIAL = [
  ...[' ', '  ', ' leading', 'trailing ', '. ', 'ustar  ', '20 path=other', 'new\nline', '\n', '\n\n', 'end\n', 'tab\t', 'cr\rlf\r\n'],
  ...words('0 trailing. trailing... ... .hidden ..hidden - -- -rf --help -C --to-command=id'),
  ...words('@LongLink @LongLinks/@LongLink PaxHeaders PaxHeaders.1/x PaxHeader/x pax_global_header ustar path=x a=b a:b'),
  ...words('it\'s "quoted" `id` $(id) $HOME * ? [a-z] {a,b} | ; & < > # ! ~ % %2e%2e%2f %s%n \\ back\\slash end\\ \\n \\101'),
  ...words('CON con.txt NUL nul AUX PRN COM1 LPT9 CONIN$ desktop.ini .DS_Store Thumbs.db .git/config file::$DATA'),
  ...words('__proto__ constructor toString hasOwnProperty null undefined true 0x10 1e9 NaN a.tar chunk-000001.tar manifest.ndjson'),
  // composed and decomposed, one case and the other
  ...words('\u00e9 e\u0301 \u1e9b\u0323 \u017f\u0323\u0307 한글 \u1112\u1161\u11ab\u1100\u1173\u11af \u00c5 \u212b A a ß SS ẞ İ i\u0307 ﬁ fi'),
  // right to left, overrides, what takes no room
  ...words('\u202egpj.exe \u2066x\u2069 עברית العربية نستعلیق \u200b \ufeffbom a\u200db a\u00adb \u2028 \u2029 \u0085 \u00a0 \u3000'),
  ...words('👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} ᠮᠣᠩᠭᠣᠯ \u{13080} 𝔘𝔫𝔦'),
  ...[`x${'\u0301'.repeat(127)}`, 'क्षि'.repeat(15)],
  // private use, noncharacters, what stands for dots and slashes
  ...words('\ue000 \uf8ff \u{f0000} \u{10fffd} \ufdd0 \ufffe \uffff \u{1fffe} \u{10ffff} \ufffd \u{10000} \uff0e\uff0e \u2024\u2024 \uff0f'),
  '\u0001\u001b[31m\u007f',
  // a line of a pax header in a name that needs one
  ...['é\n13 path=evil', 'é\n13 size=4096', '中\n11 size=1\n', `é\n${'x'.repeat(120)}`, `${'long'.repeat(30)}\nx`, 'é=\n', `é${'\n'.repeat(40)}`],
]

/** Where the file lies at the top. */
const PREFIXED = [
  ...words('-/x .../x @LongLink PaxHeaders.0/é a A/a dir/a dir-a dir.txt \ufeffbom \ufeff/\ufeff'),
  ...[' /x', '- /x', `${'d/'.repeat(60)}leaf`, `${'дир/'.repeat(60)}лист`],
]

/** Names of each number of bytes, of characters of 1 to 4. */
function* lengths(full: boolean): Generator<string> {
  for (const letter of ['n', 'é', '中', '😀']) {
    for (let bytes = 1; bytes <= NAME_BYTES; bytes++) {
      if (!full && bytes > 4 && bytes % 50 > 2 && bytes < NAME_BYTES - 2) continue
      const count = Math.floor(bytes / bytesOf(letter))
      yield `length-${bytesOf(letter)}/${letter.repeat(count)}${'-'.repeat(bytes - count * bytesOf(letter))}`
    }
  }
}

/** Paths around the 100 bytes of ustar's name, the 155 of its prefix and the 256 of both with the slash between. */
function* splits(full: boolean): Generator<string> {
  const totals = [98, 99, 100, 101, 102, 154, 155, 156, 157, 200, 253, 254, 255, 256, 257, 258, 300, 511, 512, 513]
  const near = [1, 2, 99, 100, 101, 153, 154, 155, 156, 157, 254, 255]
  for (const [letter, filler] of full ? ['ss', 'öz'] : ['ss']) {
    // no directory ends with an x, so none is a file's path
    const segment = (bytes: number) => letter.repeat(Math.floor(bytes / bytesOf(letter))) + filler.repeat(bytes % bytesOf(letter))
    const last = (bytes: number) => `${segment(bytes - 1)}x`
    for (const total of totals) {
      for (let head = 1; head <= Math.min(total - 2, NAME_BYTES); head++) {
        const tail = total - head - 1
        if (tail <= NAME_BYTES && (full || near.includes(head) || near.includes(tail))) yield `${segment(head)}/${last(tail)}`
      }
      // several slashes, at every so many bytes: where to split is then a choice
      for (const every of [2, 3, 50, 98, 99, 100, 101, 154, 155, 156, 200]) {
        const folders = Math.floor((total - 1) / every)
        if (folders > 1) yield `${`${segment(every - 1)}/`.repeat(folders)}${last(total - folders * every)}`
      }
    }
  }
}

/** One file of `size` bytes that takes little of the disk: noise at its start, in the middle, at its end, zeros between. */
export function sparseFile(path: string, size: number, seed: number): Omit<Member, 'name'> {
  const pick = random(seed)
  mkdirSync(dirname(path), { recursive: true })
  const fd = openSync(path, 'wx')
  const mark = () => Buffer.from(Array.from({ length: 4096 }, () => pick(256)))
  // across the places where offsets of 31 and 32 bits end
  const places = [0, 2 ** 31 - 2048, 2 ** 32 - 2048, size - 4096].filter((at, i) => i === 0 || at <= size - 4096)
  const marks = places.map((at) => ({ at, data: mark() }))
  for (const { at, data } of marks) writeSync(fd, data, 0, data.length, at)
  closeSync(fd)
  const zeros = Buffer.alloc(1 << 20)
  const hash = createHash('sha256')
  let done = 0
  for (const { at, data } of marks) {
    while (done < at) {
      const piece = zeros.subarray(0, Math.min(zeros.length, at - done))
      hash.update(piece)
      done += piece.length
    }
    hash.update(data)
    done += data.length
  }
  return { size, sha256: hash.digest('hex') }
}
