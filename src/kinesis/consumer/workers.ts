// The iterations of this process by their store. To an exclusive one nobody else can come, so an owner that is not here has gone.
import { MillraceError } from '../../errors.js'
import type { CheckpointStore } from './checkpoint-store.js'

const here = new WeakMap<CheckpointStore, Set<string>>()

export interface Workers {
  has(worker: string): boolean
  leave(): void
}

/** Throws LOCKED where one of this name reads with the store already: each would take the shards of the other as its own. */
export function joinWorkers(store: CheckpointStore, worker: string): Workers {
  const workers = here.get(store) ?? new Set()
  if (workers.has(worker)) throw new MillraceError('LOCKED', `worker ${worker}: expected a name of its own, got that of one who reads with these checkpoints`)
  workers.add(worker)
  here.set(store, workers)
  return { has: (name) => workers.has(name), leave: () => workers.delete(worker) }
}
