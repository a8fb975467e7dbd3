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

/** A key, and a self-signed certificate for localhost. */
export const tls: { key: Buffer; cert: Buffer } = {
  key: readFileSync(fixture('key.pem')),
  cert: readFileSync(fixture('cert.pem')),
}

export function portOf(server: Server): number {
  return server.sockets[0]?.port ?? 0
}

/** Sends each line back, until the end of the stream. */
export async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

/** Resolves when the socket is closed, even by an error. `once` of `node:events` would throw that error. */
export function closed(socket: EventEmitter): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Waits until `condition` returns true. If it never does, the test fails at its time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Runs `body` with a path for a Unix socket in a new folder, and removes the folder afterwards. */
export async function withSocketPath(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tasktree-'))
  try {
    await body(join(folder, 'socket'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Runs `body` while the name `host` resolves to `addresses`. Each lookup waits for `delay` before it answers. */
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
