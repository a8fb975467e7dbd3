import {
  linkSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
} from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { toOSError } from '@tasktree/streams'

/** Abstract sockets and named pipes are not in the file system. */
function isFile(path: string): boolean {
  return process.platform !== 'win32' && !path.startsWith('\0')
}

/** Removes a socket that is there already, as a server that was killed leaves one; no other file. */
export function clearSocketPath(path: string): void {
  if (isFile(path) && lstat(path)?.isSocket() === true) rmSync(path, { force: true })
}

/**
 * The file of a listening Unix socket.
 *
 * When a listener closes, libuv removes whatever file is at its path. The file must stay when the option
 * `cleanupSocket` is false, and when another server has put its own socket in this place. In these two cases the file
 * is moved into a new folder beside it while the listener closes, and moved back.
 */
export class SocketFile {
  readonly #path: string
  readonly #made: Stats | null
  readonly #keep: boolean

  constructor(path: string, keep: boolean) {
    this.#path = path
    this.#made = isFile(path) ? lstat(path) : null
    this.#keep = keep
  }

  /**
   * Closes `server`, which listens here, whatever happens to the file.
   *
   * @returns the error with which handling the file has failed, or null
   */
  close(server: Server): Error | null {
    if (this.#made === null) {
      server.close()
      return null
    }
    const there = tryTo(() => lstat(this.#path))
    if (there.error !== null) {
      server.close()
      return there.error
    }
    if (there.value !== null && (this.#keep || !this.#isOurs(there.value))) {
      return this.#closeBeside(server)
    }
    server.close()
    return tryTo(() => {
      const left = lstat(this.#path)
      if (left !== null && this.#isOurs(left)) rmSync(this.#path, { force: true })
    }).error
  }

  #isOurs(file: Stats): boolean {
    return file.ino === this.#made?.ino && file.dev === this.#made.dev
  }

  #closeBeside(server: Server): Error | null {
    let folder = ''
    let aside = ''
    const moved = tryTo(() => {
      folder = mkdtempSync(`${this.#path}.`)
      aside = join(folder, 'socket')
      renameSync(this.#path, aside)
    })
    // Where this process may not move the file, libuv may not remove it either, and so it stays.
    server.close()
    if (moved.error !== null) {
      if (folder !== '') tryTo(() => rmdirSync(folder))
      return null
    }
    return tryTo(() => {
      try {
        linkSync(aside, this.#path)
      } catch (error) {
        // In the meantime a third server may have put its socket here: the newest one stays.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      rmSync(folder, { recursive: true })
    }).error
  }
}

function tryTo<T>(fn: () => T): { value: T; error: null } | { value: null; error: Error } {
  try {
    return { value: fn(), error: null }
  } catch (error) {
    return { value: null, error: toOSError(error) }
  }
}

function lstat(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null
}
