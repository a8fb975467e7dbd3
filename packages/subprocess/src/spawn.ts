import { isCancelled } from '@tasktree/core'
import { abortError, checkOptions, describe } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { checkSpawn, ownOptions, PIPE, type SpawnOptions, type Stdio, STDOUT } from './options.ts'
import { Process } from './process.ts'
import { openSharedPipe, type SharedPipe } from './shared-pipe.ts'
import { toSpawnError } from './spawn-error.ts'

/**
 * Starts a program, without a shell. The program is looked for on the PATH of `env`. The process gets a new process
 * group unless it shares the terminal's stdin. The task that calls this function owns the process: see Process.
 *
 * @throws {FileNotFoundError} when there is no such program, no such `cwd`, or no such interpreter as the first line of a
 * script names; `path` of the error says which file is missing
 * @throws {PermissionError} when the program or its interpreter may not be run, or `cwd` may not be entered
 * @throws {NotADirectoryError} when `cwd`, or a part of the path of the program or of its interpreter, is not a folder
 * @throws {ArgumentListTooLongError} when the arguments and the environment are longer than the system allows
 * @throws {OSError} when the system refuses for another reason, such as a path that is too long
 * @throws {TypeError} for wrong arguments, such as an empty program or a NUL byte, before anything runs
 * @throws {RangeError} for options whose value is out of range, before anything runs
 * @throws {CancelledError} when `signal` has aborted
 *
 * @example
 *     await using child = await createSubprocessExec('sh', ['-c', 'echo one; echo two'], { stdout: PIPE })
 *     for await (const line of child.stdout?.lines() ?? []) console.log(line) // one, then two
 *     console.log(await child.wait()) // 0
 *
 * Source: asyncio.create_subprocess_exec. Differs: the arguments are an array, and the process gets a new process group.
 */
export function createSubprocessExec(
  program: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Process> {
  checkSpawn(program, args, options)
  return start(program, args, options)
}

/** Implements `createSubprocessExec`, for arguments that were already checked. */
export async function start(
  program: string,
  callersArgs: readonly string[],
  callersOptions: SpawnOptions,
): Promise<Process> {
  // These are copies, because the caller may change the array and the objects before the process starts.
  const args = [...callersArgs]
  const options = ownOptions(callersOptions)
  throwIfAborted(options.signal)
  const stdin = toStdio(options.stdio ?? options.stdin)
  const stdout = toStdio(options.stdio ?? options.stdout)
  // When the child shares the stdout of the parent, its stderr must be descriptor 1: 'inherit' would be descriptor 2.
  const sameAsStdout = stdout === 'inherit' ? 1 : stdout
  const stderr = options.stderr === STDOUT ? sameAsStdout : toStdio(options.stdio ?? options.stderr)
  const isShared = options.stderr === STDOUT && stdout === PIPE
  const shared = isShared ? await openPipe(program, options) : null
  try {
    throwIfAborted(options.signal)
    const places: Places =
      shared === null ? [stdin, stdout, stderr] : [stdin, shared.writer, shared.writer]
    const group = options.processGroup ?? !(sharesStdin(stdin) && isatty(0))
    // No `await` may come between the start of a child and the constructor of Process, because a cancel there would
    // leave the child without an owner.
    const child = spawnChild(program, args, places, group, options)
    if (child.pid === undefined) throw await failureOf(child, program, options)
    try {
      return new Process({
        child,
        stdin: child.stdin,
        // Node's pipes are sockets, although Node's types call them streams.
        stdout: shared?.reader ?? (child.stdout as Socket | null),
        stderr: child.stderr as Socket | null,
        args: [program, ...args],
        options,
        group,
        foreground: options.stdio === 'inherit',
      })
    } catch (error) {
      // An option has passed the checks, but cannot be used. For example, the option is a getter, which gave another
      // value when the options were copied.
      endUnowned(child, child.pid, group)
      throw error
    }
  } catch (error) {
    shared?.reader.destroy()
    throw error
  } finally {
    shared?.writer.destroy()
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal)
}

type Places = [stdin: Stdio, stdout: Stdio | Socket, stderr: Stdio | Socket]

async function openPipe(program: string, options: SpawnOptions): Promise<SharedPipe> {
  try {
    reserveDescriptors()
    return await openSharedPipe(options.signal)
  } catch (error) {
    if (isCancelled(error)) throw error
    throw toSpawnError(error as NodeJS.ErrnoException, program, options)
  }
}

function spawnChild(
  program: string,
  args: readonly string[],
  stdio: Places,
  detached: boolean,
  options: SpawnOptions,
): ChildProcess {
  const { cwd, env } = options
  try {
    reserveDescriptors()
    return spawn(program, args, { stdio, detached, cwd, env })
  } catch (error) {
    throw toSpawnError(error as NodeJS.ErrnoException, program, options)
  }
}

/** Ends a child for which no Process could be made. */
function endUnowned(child: ChildProcess, pid: number, group: boolean): void {
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy()
  try {
    process.kill(group ? -pid : pid, 'SIGKILL')
  } catch {
    // The child runs as another user, for example because it is `sudo`, and this program is not allowed to signal it.
  }
}

async function failureOf(
  child: ChildProcess,
  program: string,
  options: SpawnOptions,
): Promise<Error> {
  // `child.stdio` is undefined when Node had no free file descriptors for the pipes.
  const pipes: ChildProcess['stdio'] | undefined = child.stdio
  for (const pipe of pipes ?? []) pipe?.destroy()
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  return toSpawnError(error, program, options)
}

/**
 * Runs a command line in a shell: `options.shell`, or /bin/sh. Text from other sources must be quoted with
 * `shlex.quote` before it becomes a part of the command.
 *
 * @throws as createSubprocessExec
 *
 * @example
 *     await using child = await createSubprocessShell('echo "$((6 * 7))" | cat', { stdout: PIPE })
 *     const [output] = await child.communicate()
 *     console.log(String(output).trim()) // 42
 *
 * Source: asyncio.create_subprocess_shell. Differs: as createSubprocessExec.
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

/**
 * Returns the value for one stream in the option `stdio` of Node's `spawn`. For a StreamReader or a StreamWriter of the
 * caller, the value is PIPE, and the constructor of Process starts a task that copies between the pipe and that stream.
 */
function toStdio(place: SpawnOptions['stdin'] | SpawnOptions['stderr']): Stdio {
  if (place instanceof StreamReader || place instanceof StreamWriter) return PIPE
  return place === undefined || place === STDOUT ? 'inherit' : place
}

function sharesStdin(stdin: Stdio): boolean {
  return stdin === 'inherit' || stdin === 0
}

/**
 * A spawn needs at most 8 file descriptors: both ends of three pipes, and both ends of a pipe that tells whether the exec
 * worked. One more is spare.
 */
const DESCRIPTORS = 9

/**
 * Throws an error, such as EMFILE, if a spawn could run out of descriptors halfway. In such a spawn, Node would never
 * close its ends of the pipes that it has opened. The check costs about 30 µs of the 1,000 µs that a spawn takes.
 */
function reserveDescriptors(): void {
  const reserved: number[] = []
  try {
    while (reserved.length < DESCRIPTORS) reserved.push(openSync('/dev/null', 'r'))
  } finally {
    for (const descriptor of reserved) closeSync(descriptor)
  }
}
