import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { listeningPorts } from '../src/target.ts'

const fixtures: string = join(import.meta.dirname, 'fixtures')
export const cli: readonly string[] = [
  '--conditions=@tasktree/source',
  join(import.meta.dirname, '../src/cli.ts'),
]

const children = new Set<ChildProcess>()

afterEach(async () => {
  await Promise.all([...children].map(stop))
})

export async function stop(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
}

export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** Returns the text that the program has written so far. */
  output(): string
  /** Resolves when the program has written `text`. */
  wrote(text: string): Promise<void>
  ended(): Promise<number | null>
}

/** Starts a program, and waits until it has written "ready". */
export async function start(
  args: readonly string[],
  options: { command?: string; uid?: number; ready?: string; nodeOptions?: string } = {},
): Promise<Program> {
  const { command = process.execPath, uid, ready = 'ready', nodeOptions } = options
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(nodeOptions === undefined ? {} : { env: { ...process.env, NODE_OPTIONS: nodeOptions } }),
  })
  children.add(child)
  let output = ''
  let look = (): void => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString()
      look()
    })
  }
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const program: Program = {
    child,
    pid: child.pid as number,
    output: () => output,
    ended: () => closed,
    wrote: (text) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (output.includes(text)) resolve()
        }
        look()
        void closed.then(() => reject(new Error(`it has ended without "${text}":\n${output}`)))
      }),
  }
  if (ready !== '') await program.wrote(ready)
  return program
}

export const app = (name: string, ...args: string[]): string[] => [
  '--conditions=@tasktree/source',
  join(fixtures, name),
  ...args,
]

export interface Result {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Runs the command `tasktree` to its end. */
export async function tasktree(args: readonly unknown[], uid?: number): Promise<Result> {
  const child = spawn(process.execPath, [...cli, ...args.map(String)], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
  })
  let out = ''
  let error = ''
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (error += data.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, error }
}

/** Returns the path and the number of the line of a fixture that ends with `// line: ` and the mark. */
export function lineOf(name: string, mark: string): string {
  const file = join(fixtures, name)
  const lines = readFileSync(file, 'utf8').split('\n')
  return `${file}:${1 + lines.findIndex((line) => line.endsWith(`// line: ${mark}`))}`
}

/**
 * Waits until twenty consecutive looks, with 50 ms between them, have found that the process listens on no port: a port
 * that is closed too early opens again. Returns false if that does not happen within 30 seconds.
 */
export async function listensOnNothing(pid: number): Promise<boolean> {
  const end = performance.now() + 30_000
  for (let looks = 0; looks < 20; looks++) {
    if (listeningPorts(pid).length > 0) looks = -1
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}

export const hasTmux: boolean = spawnSync('tmux', ['-V']).status === 0

export function tmux(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('tmux', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
