// The outside world as interfaces: a stage that takes its ports can run in simulated time from one
// seed. node.ts and browser.ts implement them; nothing else touches clocks, chance, files or sockets.

export interface Clock {
  /** Milliseconds since the epoch; may jump. */
  now(): number
  /** Milliseconds that only move forward, for intervals. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

export interface FileStat {
  kind: 'file' | 'directory' | 'symlink' | 'other'
  size: number
  /** Milliseconds since the epoch. */
  mtime: number
}

export interface FileReader {
  stat(): Promise<FileStat>
  /** Reads into `target` from byte `at`; gives how many bytes came, 0 at the end of the file. */
  read(target: Uint8Array, at: number): Promise<number>
  close(): Promise<void>
}

export interface FileWriter {
  /** Writes all of `data` at the end of the file; a short write is retried, a full disk rejects. */
  write(data: Uint8Array): Promise<void>
  /** Flushes to the device. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Storage {
  open(path: string): Promise<FileReader>
  /** Creates or truncates. */
  create(path: string): Promise<FileWriter>
  /** Entries of a directory, unordered, links not followed. */
  list(path: string): AsyncIterable<{ name: string; kind: FileStat['kind'] }>
  /** Of the entry itself, links not followed. */
  stat(path: string): Promise<FileStat>
  /** Makes the directory and its parents. */
  makeDirectory(path: string): Promise<void>
  /** Atomic replace within one directory. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
}

export interface Ports {
  clock: Clock
  random: Random
  storage: Storage
}
