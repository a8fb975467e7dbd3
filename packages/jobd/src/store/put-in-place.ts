import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'

/** Renames the file `part` after all of it is on the disk. So a crash leaves either the old file or the new one. */
export function putInPlace(part: string, target: string): void {
  flush(part)
  renameSync(part, target)
  flush(dirname(target))
}

/** Waits until a file, or the names in a folder, are on the disk. */
export function flush(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } catch (error) {
    // Windows cannot flush a folder to the disk.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  } finally {
    closeSync(descriptor)
  }
}
