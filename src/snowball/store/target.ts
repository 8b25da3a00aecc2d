// What the uploads of one store share.
import type { Slots } from '../../ports/slots.js'
import type { Rules } from './profile.js'
import type { Requests } from './requests.js'
import type { Stored } from './stored.js'

/** An upload in parts that could not be ended: it stays, and is paid for, until somebody aborts it. */
export interface OrphanedUpload {
  key: string
  uploadId: string
  cause: unknown
}

export interface Target {
  bucket: string
  requests: Requests
  stored: Stored
  rules: Rules
  /** Parts under way, of all uploads together. */
  slots: Slots
  signal: AbortSignal | undefined
  onOrphan: (orphan: OrphanedUpload) => void
}

/** What is to be stored. */
export interface Item {
  key: string
  ContentType: string
  Metadata: Record<string, string>
}

export async function removeObject({ requests }: Target, key: string): Promise<void> {
  await requests.send('DeleteObject', {}, { what: 'removing it', key, retries: 1 })
}
