// Paths as storages have them: with "/".

/** Of a POSIX system or with a drive of Windows. */
export const isAbsolute = (path: string) => path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)

/** The directory that an absolute path lies in. */
export const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'

/** `path`, a relative one, below `root`. */
export const join = (root: string, path: string) => (root.endsWith('/') ? root + path : `${root}/${path}`)
