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

/** Whether the path is a file. Abstract sockets and named pipes are not in the file system. */
function isFile(path: string): boolean {
  return process.platform !== 'win32' && !path.startsWith('\0')
}

/** Removes the socket file at `path`, which a killed server may have left. A file of another type is not removed. */
export function clearSocketPath(path: string): void {
  if (isFile(path) && lstat(path)?.isSocket() === true) rmSync(path, { force: true })
}

/**
 * The file of a listening Unix socket.
 *
 * When a listener closes, libuv removes whatever file is at its path. The file must stay when the option
 * `cleanupSocket` is false, and when another server has put its own socket in this place. In these two cases the file
 * is moved into a new folder beside it, and is moved back after the listener has closed.
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
   * Closes `server`, which listens at this path, even if handling the file fails.
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
    const { value: file } = there
    // libuv cannot remove a folder, so a folder is not moved.
    if (file !== null && !file.isDirectory() && (this.#keep || !this.#isOurs(file))) {
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
    // If this process may not move the file, libuv may not remove it either, so the file stays.
    server.close()
    if (moved.error !== null) {
      if (folder !== '') tryTo(() => rmdirSync(folder))
      return null
    }
    return tryTo(() => {
      try {
        linkSync(aside, this.#path)
      } catch (error) {
        // A third server may have put its socket at the path in the meantime. The newest socket stays. With any other
        // error the file system has no hard links.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') renameSync(aside, this.#path)
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
