import { abortError, checkOptions, describe } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { type ChildProcess, spawn as spawnChild } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { toSpawnError } from './errors.ts'
import { checkSpawn, DEVNULL, PIPE, type SpawnOptions, type Stdio, STDOUT } from './options.ts'
import { Process } from './process.ts'

/**
 * Starts a program, without a shell. It is found on the PATH of `env`, and gets a process group of its
 * own unless it shares the terminal's stdin. The task that calls this owns the process: see Process.
 *
 * @throws {FileNotFoundError} when there is no such program, or no such `cwd`
 * @throws {PermissionError} when it may not be run
 * @throws {NotADirectoryError} when `cwd` is no folder
 * @throws {ArgumentListTooLongError} when the arguments and the environment are too long for the system
 * @throws {TypeError} {@link RangeError} for wrong arguments, an empty program and a NUL byte among them, before anything runs
 * @throws {CancelledError} when `signal` has aborted
 *
 * Source: asyncio.create_subprocess_exec. Differs: the arguments are an array.
 */
export function createSubprocessExec(
  program: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Process> {
  checkSpawn(program, args, options)
  return start(program, args, options)
}

/** `createSubprocessExec` of what has been checked. */
export async function start(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<Process> {
  const { signal, cwd, env } = options
  if (signal?.aborted === true) throw abortError(signal)
  const stdin = toStdio(options.stdin)
  const stdout = toStdio(options.stdout)
  // The parent's own stdout, where that is the child's: 'inherit' would be the parent's stderr.
  const sameAsStdout = stdout === 'inherit' ? 1 : stdout
  let stderr = options.stderr === STDOUT ? sameAsStdout : toStdio(options.stderr)
  const group = options.processGroup ?? !(sharesStdin(stdin) && isatty(0))
  let [file, argv]: [string, readonly string[]] = [program, args]
  if (options.stderr === STDOUT && stdout === PIPE) {
    // Node gives each of the two a pipe of its own: a shell makes them one, and becomes the program.
    findProgram(program, options)
    stderr = DEVNULL
    file = '/bin/sh'
    argv = ['-c', 'exec "$0" "$@" 2>&1', program, ...args]
  }
  let child: ChildProcess
  try {
    reserveDescriptors()
    child = spawnChild(file, argv, { stdio: [stdin, stdout, stderr], detached: group, cwd, env })
  } catch (error) {
    throw toSpawnError(error as NodeJS.ErrnoException, program, cwd)
  }
  if (child.pid === undefined) {
    // Node opens none when there are no descriptors left.
    const pipes: ChildProcess['stdio'] | undefined = child.stdio
    for (const pipe of pipes ?? []) pipe?.destroy()
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
    throw toSpawnError(error, program, cwd)
  }
  return new Process(child, [program, ...args], options, group)
}

/**
 * Runs a command line in a shell: `options.shell`, or /bin/sh. Put nothing into it that came from
 * outside, unless `shlex.quote` has been at it.
 *
 * @throws as createSubprocessExec
 *
 * Source: asyncio.create_subprocess_shell
 */
export function createSubprocessShell(
  command: string,
  options: SpawnOptions = {},
): Promise<Process> {
  if (typeof command !== 'string')
    throw new TypeError(`the command must be a string, got ${describe(command)}`)
  checkOptions(options)
  return createSubprocessExec(options.shell ?? '/bin/sh', ['-c', command], options)
}

function toStdio(place: SpawnOptions['stdin'] | SpawnOptions['stderr']): Stdio {
  if (place instanceof StreamReader || place instanceof StreamWriter) return PIPE
  return place === undefined || place === STDOUT ? 'inherit' : place
}

function sharesStdin(stdin: Stdio): boolean {
  return stdin === 'inherit' || stdin === 0
}

/** Three pipes, one that tells of the exec, and what the child opens before it. */
const descriptors = 9

/**
 * Throws EMFILE where a spawn could run out of descriptors halfway: Node then loses its ends of the pipes
 * that it has, for good. Costs some 30 µs, of a spawn's 1,000.
 */
function reserveDescriptors(): void {
  const reserved: number[] = []
  try {
    while (reserved.length < descriptors) reserved.push(openSync('/dev/null', 'r'))
  } finally {
    for (const descriptor of reserved) closeSync(descriptor)
  }
}

/** What the system would say if it were asked itself. */
function findProgram(program: string, { cwd = '.', env = process.env }: SpawnOptions): void {
  const folders = program.includes('/') ? [''] : (env['PATH'] ?? '/usr/bin:/bin').split(':')
  let refused: NodeJS.ErrnoException | null = null
  for (const folder of folders) {
    const path = resolve(cwd, folder, program)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return
      refused = { name: 'Error', message: `not a file: ${path}`, code: 'EACCES' }
    } catch (error) {
      if (refused?.code !== 'EACCES') refused = error as NodeJS.ErrnoException
    }
  }
  throw toSpawnError(refused as NodeJS.ErrnoException, program, cwd)
}
