// Partition key -> MD5 -> shard, 16,384 UUID keys a call, an even split of 1,000 shards.
// All rivals get the same lookup (baseline-shard.mjs: a table over the top 16 bits of the hash key, no BigInt).
import * as crypto from 'node:crypto'
import { createRequire } from 'node:module'
import { evenStarts, shardFinder, shardsOfPacked, shardsOfStrings } from './baseline-shard.mjs'
import { packKeys, uuids } from './data.mjs'
import { same } from './frame.mjs'

const require = createRequire(import.meta.url)
const KEYS = 16_384
const SHARDS = 1000
const RIVALS = ['node createHash', 'node crypto.hash', 'hash-wasm', 'js-md5', 'spark-md5', 'plain JS baseline']

// Each digest in the form that its library gives fastest, as four big-endian words.
const ofBytes = (find, d) =>
  find(
    ((d[0] << 24) | (d[1] << 16) | (d[2] << 8) | d[3]) >>> 0,
    ((d[4] << 24) | (d[5] << 16) | (d[6] << 8) | d[7]) >>> 0,
    ((d[8] << 24) | (d[9] << 16) | (d[10] << 8) | d[11]) >>> 0,
    ((d[12] << 24) | (d[13] << 16) | (d[14] << 8) | d[15]) >>> 0,
  )
const ofHex = (find, h) =>
  find(Number.parseInt(h.slice(0, 8), 16), Number.parseInt(h.slice(8, 16), 16), Number.parseInt(h.slice(16, 24), 16), Number.parseInt(h.slice(24), 16))
const word = (d, i) => ((d.charCodeAt(i) << 24) | (d.charCodeAt(i + 1) << 16) | (d.charCodeAt(i + 2) << 8) | d.charCodeAt(i + 3)) >>> 0
const ofLatin1 = (find, d) => find(word(d, 0), word(d, 4), word(d, 8), word(d, 12))

async function peers(find) {
  const { createMD5 } = await import('hash-wasm')
  const { md5 } = require('js-md5')
  const spark = require('spark-md5')
  const hasher = await createMD5()
  const peers = {
    'node createHash': (key) => ofBytes(find, crypto.createHash('md5').update(key).digest()),
    'hash-wasm': (key) => ofBytes(find, hasher.init().update(key).digest('binary')),
    'js-md5': (key) => ofBytes(find, md5.array(key)),
    'spark-md5': (key) => ofHex(find, typeof key === 'string' ? spark.hash(key) : spark.hashBinary(key.latin1Slice())),
  }
  // latin1 is its fastest digest form: 2.1 Mkeys/s, hex 1.6, buffer 1.2
  if (crypto.hash) peers['node crypto.hash'] = (key) => ofLatin1(find, crypto.hash('md5', key, 'latin1'))
  return peers
}

function row(name, atLeast, ours, keysOf, baseline) {
  return {
    row: `key -> shard, ${name}`,
    unit: 'Mkeys/s',
    rivals: RIVALS,
    targets: { '*': atLeast },
    async prepare() {
      const keys = uuids(KEYS)
      const packed = packKeys(keys)
      const find = shardFinder(evenStarts(SHARDS))
      const inputs = keysOf(keys, packed)
      const out = new Uint32Array(KEYS)
      const work = KEYS / 1e6
      const byKey = await peers(find)
      // one loop a rival, compiled for it alone: a shared one would be megamorphic
      const loop = new Function('inputs', 'out', 'shardOf', 'return () => { for (let i = 0; i < inputs.length; i++) out[i] = shardOf(inputs[i]); return out }')
      const rivals = RIVALS.filter((rival) => byKey[rival]).map((rival) => ({ name: rival, work, run: loop(inputs, out, byKey[rival]) }))
      rivals.push({ name: 'plain JS baseline', work, run: () => baseline(keys, packed, find, out) })
      const run = ours(await map(), keys, packed)
      return {
        ours: { work, run },
        rivals,
        check() {
          const mine = Array.from(run())
          for (const rival of rivals) same(`key -> shard, ${rival.name}`, mine, Array.from(rival.run()))
        },
      }
    },
  }
}

async function map() {
  const { ShardMap } = await import('../dist/esm/kinesis/shards/shard-map.js')
  return ShardMap.even(SHARDS)
}

export const rows = [
  row(
    'string[] in',
    5,
    (shards, keys) => () => shards.shardsOf(keys),
    (keys) => keys,
    (keys, _, find, out) => shardsOfStrings(keys, find, out),
  ),
  row(
    'packed bytes in',
    10,
    (shards, _, packed) => () => shards.shardsOfPacked(packed),
    // ready-made views: making one a key is not timed
    (_, { heap, ends }) => Array.from(ends, (end, i) => heap.subarray(i === 0 ? 0 : ends[i - 1], end)),
    (_, packed, find, out) => shardsOfPacked(packed.heap, packed.ends, find, out),
  ),
]
