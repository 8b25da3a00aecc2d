// Where a Node process stands: its temporary directory, its installed packages, its memory.
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A new directory of our own under the system's temporary one. */
export const temporaryDirectory = (prefix: string): Promise<string> => mkdtemp(join(tmpdir(), prefix))

/** The file of an installed package, as the program that runs would find it; undefined where it is not there. */
export function packageFile(name: string, path: string): string | undefined {
  const folders = createRequire(process.argv[1] ?? join(process.cwd(), 'x')).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name, path)).find((file) => existsSync(file))
}

/** Resident memory of this process in bytes. */
export const residentBytes = (): number => process.memoryUsage.rss()

/** Sets an environment variable of this process where the user has not. */
export function defaultEnvironment(name: string, value: string): void {
  process.env[name] ??= value
}

/** The exports of a module file, its path taken from the working directory. */
export const importFile = (path: string): Promise<unknown> => import(pathToFileURL(path).href)
