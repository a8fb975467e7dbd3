import { lstatSync, renameSync, rmSync, type Stats } from 'node:fs'
import type { Server } from 'node:net'

/** Abstract sockets and named pipes are in no file system. */
function isFile(path: string): boolean {
  return process.platform !== 'win32' && !path.startsWith('\0')
}

/** Removes a socket that is there already, as a server that was killed leaves one; no other file. */
export function clearSocketPath(path: string): void {
  if (isFile(path) && statOf(path)?.isSocket() === true) rmSync(path, { force: true })
}

/**
 * The file of a Unix socket that is listened to. Closing the listener removes it, unless it is to be kept
 * or someone else's has taken its place; libuv would remove whatever is there.
 */
export class SocketFile {
  readonly #path: string
  readonly #made: Stats | null
  readonly #keep: boolean

  constructor(path: string, keep: boolean) {
    this.#path = path
    this.#made = isFile(path) ? statOf(path) : null
    this.#keep = keep
  }

  /** Closes `server`, which listens here. */
  close(server: Server): void {
    const there = this.#made === null ? null : statOf(this.#path)
    const isOurs = there !== null && there.ino === this.#made?.ino && there.dev === this.#made.dev
    if (there === null || (isOurs && !this.#keep)) {
      server.close()
      if (isOurs) rmSync(this.#path, { force: true })
      return
    }
    const aside = `${this.#path}.${process.pid}`
    renameSync(this.#path, aside)
    server.close()
    renameSync(aside, this.#path)
  }
}

function statOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null
}
