// Figures of several streams as one.
import type { DeliveryMetrics } from './delivery-stream.js'

const NONE: DeliveryMetrics = {
  accepted: 0,
  acceptedBytes: 0,
  split: 0,
  delivered: 0,
  dropped: 0,
  failed: 0,
  backedUp: 0,
  failures: {},
  objects: 0,
  errorObjects: 0,
  backupObjects: 0,
  objectBytes: 0,
  invocations: 0,
  storeRetries: 0,
  heldBytes: 0,
  activePartitions: 0,
}

export function summed(all: readonly DeliveryMetrics[]): DeliveryMetrics {
  const failures = new Map<string, number>()
  for (const metrics of all) for (const [code, records] of Object.entries(metrics.failures)) failures.set(code, (failures.get(code) ?? 0) + records)
  const sum = { ...NONE, failures: Object.fromEntries(failures) }
  for (const metrics of all) {
    for (const [name, value] of Object.entries(metrics)) {
      if (typeof value === 'number') (sum as unknown as Record<string, number>)[name] = ((sum as unknown as Record<string, number>)[name] ?? 0) + value
    }
  }
  return sum
}
