// The outside world as interfaces: a stage that takes its ports can run in simulated time from one
// seed. node.ts and browser.ts implement them; nothing else touches clocks, chance, files or sockets.

// A consumer with lib ES2022 alone has neither; where they are declared, this adds nothing.
declare global {
  interface AbortSignal {}
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
}

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

export type FileKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device' | 'other'

export interface FileStat {
  kind: FileKind
  size: number
  /** Milliseconds since the epoch, with a fraction where the file system keeps one. */
  mtime: number
  /** When content or attributes last changed; unlike mtime nobody can set it back. */
  ctime: number
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
  /** As write() of each in order, with nothing between; for who need not put them together first. */
  writeAll?(parts: readonly Uint8Array[]): Promise<void>
  /** Flushes to the device. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * For a walk over a tree that others may change meanwhile. `within` is a directory as `resolve`
 * gives it: the entry itself is then not followed where it is a link, opening never waits on a FIFO,
 * and what was opened must really lie in that directory, else the call rejects with code ELOOP.
 */
export interface Confined {
  within?: string
}

/** A directory that is this process's own. */
export interface DirectoryLock {
  release(): Promise<void>
}

/** Files. Paths use "/". Failures reject with an Error whose `code` is the POSIX name (ENOENT, EACCES, ENOSPC ...). */
export interface Storage {
  open(path: string, options?: Confined): Promise<FileReader>
  /**
   * Creates or truncates. `append` keeps what is there; `exclusive` rejects with EEXIST where the
   * path exists, a dangling link included.
   */
  create(path: string, options?: { exclusive?: boolean; append?: boolean }): Promise<FileWriter>
  /** Entries of a directory, unordered, links not followed. */
  list(path: string, options?: Confined): AsyncIterable<{ name: string; kind: FileKind }>
  /** Of the entry itself, links not followed. */
  stat(path: string): Promise<FileStat>
  /** stat() of each in order, or why not: where many at once are cheaper than one by one. */
  stats?(paths: readonly string[]): Promise<(FileStat | Error)[]>
  /** The absolute path of an existing entry, every link in it resolved. */
  resolve(path: string): Promise<string>
  /** Makes the directory and its parents. */
  makeDirectory(path: string): Promise<void>
  /** Flushes a file that was written and closed; absent where only its writer can. */
  syncFile?(path: string): Promise<void>
  /** Flushes a directory, so that renames in it survive a power failure; nothing where the platform has no such call. */
  syncDirectory(path: string): Promise<void>
  /** Atomic replace within one directory. */
  rename(from: string, to: string): Promise<void>
  /** Of a directory with all that it holds, links not followed; nothing where the path does not exist. */
  remove(path: string): Promise<void>
  /**
   * Takes the directory for this process, until it is released or the process ends, however it ends.
   * Rejects with LOCKED, naming the holder, where another one has it or this one has taken it already.
   * Absent where no second process can come to the files.
   */
  lock?(directory: string): Promise<DirectoryLock>
}

/** A running hash. */
export interface Hasher {
  update(data: Uint8Array): void
  digest(): Uint8Array
}

/** SHA-256. */
export interface Sha256 {
  (): Hasher
  /** Of a whole message at once, where that is faster than by a hasher. */
  of?(data: Uint8Array): Uint8Array
}

/** A thread that runs the library's own program; messages are structured-cloned. */
export interface Thread {
  /** `transfer`: buffers of the message that move to the thread instead of being copied. */
  post(message: object, transfer?: readonly ArrayBuffer[]): void
  /** The next message of the thread, in order. Rejects when the thread has failed or ended. */
  receive(): Promise<unknown>
  /** Whether the process stays alive for it; a thread begins without that. */
  hold(held: boolean): void
  /** Ends the thread at once, whatever it does. */
  end(): Promise<void>
  /** Hands back a thread that waits for its next message, for start() to give again. */
  keep(): void
}

/** What a thread needs of the files it reads and writes on its own. */
export type ThreadStorage = Pick<Storage, 'open' | 'create' | 'remove'>

export interface Threads {
  /** How many run at the same time without slowing each other down. */
  readonly cores: number
  /** The storage that threads have on their own; work on files of another one stays in this thread. */
  readonly storage?: Storage
  /** One that was handed back, or a new one, which takes some 40 ms. */
  start(): Thread
}

export interface Ports {
  clock: Clock
  random: Random
  storage: Storage
  /** The platform's own SHA-256, where it has one that is faster than the core's. */
  sha256?: Sha256
  threads?: Threads
}
