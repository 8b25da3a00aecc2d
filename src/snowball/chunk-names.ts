// What chunks are called, as files and as objects.

/** Of a chunk in a plan, one that a person has edited too: a plain name, with its device's where there are several. */
export const CHUNK_NAME = /^(?:device-(\d+)-)?chunk-[A-Za-z0-9._-]{1,100}\.tar$/

/** Whether it is the name of a chunk, compressed perhaps, finished or not. */
export const isChunk = (name: string): boolean => CHUNK_NAME.test(name.replace(/(?:\.gz|\.zst)?(?:\.tmp)?$/, ''))
