import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { Failure } from './failure.ts'

/**
 * Checks whether a process can be sent SIGUSR1. This signal makes Node open its inspector, but it kills a program that does
 * not handle the signal: `sleep`, Python, and also Node while Node is still starting. So the checks come before the signal,
 * and they only read files in /proc.
 */

const sigusr1 = 1n << 9n

/**
 * @throws {Failure} when the process has ended, is not Node, belongs to another user or is in another network namespace,
 * and when this is not Linux
 */
export function checkTarget(pid: number): void {
  if (process.platform !== 'linux') {
    throw new Failure(`tasktree reads /proc, and so it needs Linux; this is ${process.platform}`)
  }
  const status = readProc(pid, 'status')
  if (status === null) throw new Failure(`there is no process ${pid}`)
  if (hasEnded(pid)) throw new Failure(`process ${pid} has ended`)
  const owner = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1])
  const own = process.geteuid?.() ?? 0
  if (own !== 0 && owner !== own) {
    throw new Failure(`process ${pid} belongs to another user (uid ${owner}, yours is ${own})`)
  }
  checkProgram(pid)
  if (readLink(pid, 'ns/net') !== readlinkSync('/proc/self/ns/net')) {
    throw new Failure(
      `process ${pid} is in another network namespace: run tasktree inside its container`,
    )
  }
}

/** Whether the process has ended, even if its parent has not asked for its exit code yet. */
export function hasEnded(pid: number): boolean {
  const status = readProc(pid, 'status')
  return status === null || /^State:\s+[ZX]/m.test(status)
}

function checkProgram(pid: number): void {
  const program = basename((readLink(pid, 'exe') ?? '').replace(/ \(deleted\)$/, ''))
  if (/^(bun|deno)/.test(program)) {
    throw new Failure(`process ${pid} is ${program}, which has no inspector that opens by a signal`)
  }
  if (!program.startsWith('node')) {
    throw new Failure(`process ${pid} is not Node (it is ${program === '' ? 'unknown' : program})`)
  }
}

/** @throws {Failure} when SIGUSR1 would end the process, or do nothing */
export function checkSignal(pid: number): void {
  const status = readProc(pid, 'status')
  if (status === null) throw new Failure(`process ${pid} has ended`)
  const caught = BigInt(`0x${/^SigCgt:\s+([\da-f]+)/m.exec(status)?.[1] ?? '0'}`)
  if ((caught & sigusr1) === 0n) {
    throw new Failure(
      `process ${pid} does not handle SIGUSR1: it was started with --disable-sigusr1 or --permission, or is only just starting`,
    )
  }
}

/**
 * Returns the port that Node opens after the signal: the port of the last option `--inspect-port` or `--debug-port`, and 9229
 * if there is no such option. 0 means any free port. Node reads the variable NODE_OPTIONS first, and then its arguments up to
 * `--`. An argument of the program itself counts too, because it cannot be told from an argument of Node. A port that the
 * program has set in `process.debugPort` is not seen.
 */
export function signalPort(pid: number): number {
  const args = (readProc(pid, 'cmdline') ?? '').split('\0')
  const end = args.indexOf('--')
  const words = [...nodeOptions(pid), ...(end === -1 ? args : args.slice(0, end))]
  const option = /(?:^|\0)--(?:inspect|debug)[-_]port[=\0](?:[^\0]*:)?(\d+)(?=\0|$)/g
  return Number([...words.join('\0').matchAll(option)].at(-1)?.[1] ?? 9229)
}

/** Returns the words of the variable NODE_OPTIONS with which the process was started. */
function nodeOptions(pid: number): string[] {
  const environment = (readProc(pid, 'environ') ?? '').split('\0')
  const text = environment.find((each) => each.startsWith('NODE_OPTIONS='))
  // Words may be quoted. The quotes are not part of the words.
  const words = text?.slice('NODE_OPTIONS='.length).match(/(?:"[^"]*"|[^\s"])+/g) ?? []
  return words.map((word) => word.replaceAll('"', ''))
}

/** Returns the TCP ports on which the process listens. The ports are found by the inodes of the sockets. */
export function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>()
  for (const fd of list(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(readLink(pid, `fd/${fd}`) ?? '')?.[1]
    if (inode !== undefined) inodes.add(inode)
  }
  return listeners(pid)
    .filter(({ inode }) => inodes.has(inode))
    .map(({ port }) => port)
}

/** Returns a text that names the process that listens on `port`; null when no process does. */
export function holderOf(port: number): string | null {
  const isTaken = (): boolean => listeners('self').some((each) => each.port === port)
  if (!isTaken()) return null
  for (const pid of list('/proc').map(Number)) {
    if (!Number.isInteger(pid) || !listeningPorts(pid).includes(port)) continue
    return `process ${pid} (${readProc(pid, 'comm')?.trim() ?? 'unknown'})`
  }
  // The process that listened on the port may have ended during the search.
  return isTaken() ? 'a process of another user' : null
}

function listeners(pid: number | 'self'): { port: number; inode: string }[] {
  const found: { port: number; inode: string }[] = []
  for (const name of ['net/tcp', 'net/tcp6']) {
    for (const line of (readProc(pid, name) ?? '').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      // The state 0A means that the socket listens.
      if (state !== '0A') continue
      found.push({ port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode })
    }
  }
  return found
}

function readProc(pid: number | 'self', name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return null
  }
}

function readLink(pid: number, name: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return null
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
