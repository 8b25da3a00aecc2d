// Where objects are kept.
import { wrongType } from '../../errors.js'

/** An object as Firehose puts it into its bucket. */
export interface DeliveryObject {
  bucket: string
  key: string
  body: Uint8Array
  contentType: string
  contentEncoding: string | undefined
}

export interface ObjectStore {
  /** Stores the object, whole or not at all. What it rejects with is tried again. */
  put(object: DeliveryObject, signal?: AbortSignal): Promise<void>
}

export interface MemoryStore extends ObjectStore {
  /** In the order in which they were put. */
  readonly objects: readonly DeliveryObject[]
}

/** Objects in memory, for tests. */
export function memoryStore(): MemoryStore {
  const objects: DeliveryObject[] = []
  return {
    objects,
    async put(object) {
      objects.push(object)
    },
  }
}

export function checkStore(store: unknown): asserts store is ObjectStore {
  if (typeof (store as Partial<ObjectStore> | undefined)?.put !== 'function')
    throw wrongType('store', 'directoryStore(), s3Store() or an object with put()', store)
}
