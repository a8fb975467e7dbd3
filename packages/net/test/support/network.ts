import dns from 'node:dns'
import type { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server, StreamReader, StreamWriter } from '@tasktree/net'

export { thrown } from '../../../../vitest.thrown.ts'

export const local = { host: '127.0.0.1', port: 0 }

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** A key and a certificate for localhost that nobody has signed. */
export const tls: { key: Buffer; cert: Buffer } = {
  key: readFileSync(fixture('key.pem')),
  cert: readFileSync(fixture('cert.pem')),
}

export function portOf(server: Server): number {
  return server.sockets[0]?.port ?? 0
}

/** Echoes lines until the end. */
export async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

/** Settles when the socket is closed, by an error too. `once` of `node:events` would throw that error. */
export function closed(socket: EventEmitter): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Waits until `condition` holds. A test that waits in vain runs into its time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A path for a Unix socket, in a folder of its own. */
export async function withSocketPath(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tasktree-'))
  try {
    await body(join(folder, 'socket'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Runs `body` while `host` has these addresses; `delay` is awaited by each lookup. */
export async function withHost(
  host: string,
  addresses: string[],
  body: () => Promise<void>,
  delay: PromiseLike<void> = Promise.resolve(),
): Promise<void> {
  const { lookup } = dns
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  dns.lookup = ((name: string, options: object, callback: (...result: unknown[]) => void) => {
    if (name !== host) lookup(name, options as never, callback as never)
    else void delay.then(() => setTimeout(callback, 0, null, found))
  }) as never
  syncBuiltinESMExports()
  try {
    await body()
  } finally {
    dns.lookup = lookup
    syncBuiltinESMExports()
  }
}
