// Plain JavaScript, written by hand for speed: the honest rival of the KPL stages. Exact sizes first,
// one allocation an aggregate, no object a record where none is asked for, MD5 by node:crypto.
// A KPL aggregate is F3 89 9A C2, a protobuf (1: keys, 3: records), its MD5.
import { createHash } from 'node:crypto'

const varintSize = (n) => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x200000 ? 3 : n < 0x10000000 ? 4 : 5)

function putVarint(out, at, n) {
  while (n > 127) {
    out[at++] = (n & 127) | 128
    n >>>= 7
  }
  out[at++] = n
  return at
}

function seal(out, at) {
  out.set(createHash('md5').update(out.subarray(4, at)).digest(), at)
  return out
}

function open(size) {
  const out = Buffer.allocUnsafe(size)
  out[0] = 0xf3
  out[1] = 0x89
  out[2] = 0x9a
  out[3] = 0xc2
  return out
}

/** Records `{ partitionKey, data }` in, aggregates of at most `limit` bytes out. Exact sizes first, then one allocation an aggregate. */
export function aggregate(records, limit) {
  const aggregates = []
  const innerSizes = new Uint32Array(records.length)
  const indices = new Uint32Array(records.length)
  let start = 0
  while (start < records.length) {
    const keys = new Map()
    let size = 20
    let end = start
    for (; end < records.length; end++) {
      const { partitionKey, data } = records[end]
      let index = keys.get(partitionKey)
      let more = 0
      if (index === undefined) {
        index = keys.size
        const keySize = Buffer.byteLength(partitionKey)
        more = 1 + varintSize(keySize) + keySize
      }
      const inner = 2 + varintSize(index) + varintSize(data.length) + data.length
      more += 1 + varintSize(inner) + inner
      if (size + more > limit && end > start) break
      if (index === keys.size) keys.set(partitionKey, index)
      size += more
      innerSizes[end] = inner
      indices[end] = index
    }
    if (end - start === 1) {
      aggregates.push(records[start].data)
    } else {
      const out = open(size)
      let at = 4
      for (const key of keys.keys()) {
        out[at++] = 0x0a
        at = putVarint(out, at, Buffer.byteLength(key))
        at += out.utf8Write(key, at)
      }
      for (let i = start; i < end; i++) at = putRecord(out, at, innerSizes[i], indices[i], records[i].data, 0, records[i].data.length)
      aggregates.push(seal(out, at))
    }
    start = end
  }
  return aggregates
}

function putRecord(out, at, inner, index, data, from, size) {
  out[at++] = 0x1a
  at = putVarint(out, at, inner)
  out[at++] = 0x08
  at = putVarint(out, at, index)
  out[at++] = 0x1a
  at = putVarint(out, at, size)
  data.copy(out, at, from, from + size)
  return at + size
}

/** The same from packed records: keys are compared as bytes in an open-addressed table, no string is made. */
export function aggregatePacked(batch, limit) {
  const { table, count } = batch
  const heap = Buffer.from(batch.heap.buffer, batch.heap.byteOffset, batch.heap.byteLength)
  const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
  const aggregates = []
  const innerSizes = new Uint32Array(count)
  const indices = new Uint32Array(count)
  const slots = new Int32Array(8192)
  const firsts = new Uint32Array(4096)
  let start = 0
  while (start < count) {
    slots.fill(0)
    let keys = 0
    let size = 20
    let end = start
    for (; end < count; end++) {
      const row = end * 8
      const keyAt = table[row]
      const keySize = table[row + 1]
      const dataSize = table[row + 5]
      let slot = hashOf(view, keyAt, keySize) & 8191
      let index = -1
      while (slots[slot] !== 0) {
        const candidate = slots[slot] - 1
        const other = firsts[candidate] * 8
        if (table[other + 1] === keySize && equalBytes(view, table[other], keyAt, keySize)) {
          index = candidate
          break
        }
        slot = (slot + 1) & 8191
      }
      let more = 0
      const isNew = index < 0
      if (isNew) {
        index = keys
        more = 1 + varintSize(keySize) + keySize
      }
      const inner = 2 + varintSize(index) + varintSize(dataSize) + dataSize
      more += 1 + varintSize(inner) + inner
      if ((size + more > limit && end > start) || keys === 4096) break
      if (isNew) {
        firsts[keys++] = end
        slots[slot] = keys
      }
      size += more
      innerSizes[end] = inner
      indices[end] = index
    }
    if (end - start === 1) {
      aggregates.push(heap.subarray(table[start * 8 + 4], table[start * 8 + 4] + table[start * 8 + 5]))
    } else {
      const out = open(size)
      let at = 4
      for (let k = 0; k < keys; k++) {
        const row = firsts[k] * 8
        const keySize = table[row + 1]
        out[at++] = 0x0a
        at = putVarint(out, at, keySize)
        heap.copy(out, at, table[row], table[row] + keySize)
        at += keySize
      }
      for (let i = start; i < end; i++) at = putRecord(out, at, innerSizes[i], indices[i], heap, table[i * 8 + 4], table[i * 8 + 5])
      aggregates.push(seal(out, at))
    }
    start = end
  }
  return aggregates
}

function hashOf(view, at, size) {
  let h = size
  const end = at + size
  for (; at + 4 <= end; at += 4) h = Math.imul(h ^ view.getInt32(at, true), 0x9e3779b1)
  for (; at < end; at++) h = Math.imul(h ^ view.getUint8(at), 0x9e3779b1)
  return h ^ (h >>> 15)
}

function equalBytes(view, a, b, size) {
  let i = 0
  for (; i + 4 <= size; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
  for (; i < size; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
  return true
}

// ---- De-aggregation, MD5 checked.

let cursor = 0

function getVarint(bytes) {
  let byte = bytes[cursor++]
  let value = byte & 127
  for (let shift = 7; byte > 127; shift += 7) {
    byte = bytes[cursor++]
    value |= (byte & 127) << shift
  }
  return value >>> 0
}

function isAggregate(bytes) {
  if (bytes.length <= 20 || bytes[0] !== 0xf3 || bytes[1] !== 0x89 || bytes[2] !== 0x9a || bytes[3] !== 0xc2) return false
  const end = bytes.length - 16
  const digest = createHash('md5').update(bytes.subarray(4, end)).digest()
  return digest.compare(bytes, end) === 0
}

/** Well-formed aggregates in, `{ partitionKey, subSequenceNumber, data }` out; data are views of the input. */
export function deaggregate(aggregates) {
  const records = []
  for (const bytes of aggregates) {
    if (!isAggregate(bytes)) {
      records.push({ partitionKey: '', subSequenceNumber: 0, data: bytes })
      continue
    }
    const end = bytes.length - 16
    const keys = []
    let item = 0
    cursor = 4
    while (cursor < end) {
      const tag = bytes[cursor++]
      const size = getVarint(bytes)
      if (tag === 0x0a) {
        keys.push(bytes.utf8Slice(cursor, cursor + size))
        cursor += size
      } else if (tag === 0x1a) {
        const stop = cursor + size
        let key = 0
        let data = bytes
        while (cursor < stop) {
          const inner = bytes[cursor++]
          const value = getVarint(bytes)
          if (inner === 0x08) key = value
          else if (inner === 0x1a) {
            data = bytes.subarray(cursor, cursor + value)
            cursor += value
          } else if ((inner & 7) === 2) cursor += value
        }
        records.push({ partitionKey: keys[key], subSequenceNumber: item++, data })
      } else cursor += size
    }
  }
  return records
}

/** The same into a record table over one heap (the aggregates back to back, `sizes` bytes each): no object, no copy. */
export function deaggregatePacked(heap, sizes, table) {
  let count = 0
  let start = 0
  const keys = new Uint32Array(8192)
  for (let source = 0; source < sizes.length; source++) {
    const bytes = heap.subarray(start, start + sizes[source])
    if (isAggregate(bytes)) {
      const end = bytes.length - 16
      let known = 0
      let item = 0
      cursor = 4
      while (cursor < end) {
        const tag = bytes[cursor++]
        const size = getVarint(bytes)
        if (tag === 0x0a) {
          keys[known * 2] = start + cursor
          keys[known * 2 + 1] = size
          known++
          cursor += size
        } else if (tag === 0x1a) {
          const stop = cursor + size
          const row = count++ * 8
          while (cursor < stop) {
            const inner = bytes[cursor++]
            const value = getVarint(bytes)
            if (inner === 0x08) {
              table[row] = keys[value * 2]
              table[row + 1] = keys[value * 2 + 1]
            } else if (inner === 0x1a) {
              table[row + 4] = start + cursor
              table[row + 5] = value
              cursor += value
            } else if ((inner & 7) === 2) cursor += value
          }
          table[row + 3] = 0xffffffff
          table[row + 6] = source
          table[row + 7] = item++
        } else cursor += size
      }
    }
    start += sizes[source]
  }
  return count
}
