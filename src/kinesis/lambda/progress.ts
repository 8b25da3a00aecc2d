// What an invocation that did not finish leaves to its retry: which user records behind the returned
// sequence number are done, and how often those that failed were tried.

/**
 * Where progress is kept between invocations: text by key, each at most some 70 bytes for a Kinesis record of
 * the event. A store may forget: then records come again. Give it one that outlives the container where that
 * costs more than a read for each invocation, and a write for each that does not finish. A write that the store
 * refuses (DynamoDB takes 400 KB) is told to `onFailure`.
 *
 * @example
 * // DynamoDB (client-dynamodb), a table with the key `id` and `until` as its time to live
 * const progress: ProgressStore = {
 *   get: async (id) => (await db.send(new GetItemCommand({ TableName, Key: { id: { S: id } }, ConsistentRead: true }))).Item?.progress.S,
 *   set: (id, text) => db.send(new PutItemCommand({ TableName, Item: { id: { S: id }, progress: { S: text }, until: { N: tomorrow() } } })),
 *   delete: (id) => db.send(new DeleteItemCommand({ TableName, Key: { id: { S: id } } })),
 * }
 */
export interface ProgressStore {
  /** `key`: the event source's ARN, the shard's id and the sequence number that a batch begins with. */
  get(key: string): string | undefined | Promise<string | undefined>
  set(key: string, progress: string): unknown
  delete(key: string): unknown
}

/** Keys that memory holds at most, the newest ones: an invocation leaves one, and its retry takes it. */
const KEPT = 64

/**
 * The default: gone with the container, and unknown to the others that the function runs in. What nobody came back
 * for stays until it is pushed out: a stream that is read again while the container lives may meet it.
 */
export function memoryProgress(): ProgressStore {
  const kept = new Map<string, string>()
  return {
    get: (key) => kept.get(key),
    set(key, progress) {
      kept.delete(key)
      kept.set(key, progress)
      if (kept.size > KEPT) kept.delete(kept.keys().next().value as string)
    },
    delete: (key) => kept.delete(key),
  }
}

/**
 * Of the user records of one Kinesis record: its sequence number; the places of those that are done, as from,
 * to (exclusive), from, to ...; and of those that failed how often, as place, times, place, times ...
 */
export type Progress = [sequenceNumber: string, done: number[], failed: number[]]

/** Reads what a store gave. Throws for anything that is no progress. */
export function parseProgress(text: string): Progress[] {
  const all: unknown = JSON.parse(text)
  const isPairs = (list: unknown) => Array.isArray(list) && list.length % 2 === 0 && list.every((one) => Number.isSafeInteger(one) && one >= 0)
  const isProgress = (one: unknown) => Array.isArray(one) && typeof one[0] === 'string' && /^\d+$/.test(one[0]) && isPairs(one[1]) && isPairs(one[2])
  if (!Array.isArray(all) || !all.every(isProgress)) throw new TypeError('expected what was given to set(), got something else')
  return all
}
