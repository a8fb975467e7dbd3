import { type ChildProcess, spawn as spawnChild, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { isatty } from 'node:tty'
import { toSpawnError } from './errors.ts'
import { checkProgram, type SpawnOptions, type Stdio, STDOUT } from './options.ts'
import { Process } from './process.ts'

/**
 * Starts a program, without a shell. It gets a process group of its own unless it shares the terminal's stdin.
 *
 * @throws {FileNotFoundError} {PermissionError} {NotADirectoryError}
 * @throws {TypeError} for an empty program or a NUL byte, before anything runs
 *
 * Source: asyncio.create_subprocess_exec
 */
export async function createSubprocessExec(
  program: string,
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<Process> {
  checkProgram(program, args)
  const stdin = options.stdin ?? 'inherit'
  const sharesTerminal = stdin === 'inherit' && isatty(0)
  const group = options.processGroup ?? !sharesTerminal
  const stdout = options.stdout ?? 'inherit'
  const merged = options.stderr === STDOUT
  const stderr: Stdio =
    options.stderr === undefined ? 'inherit' : options.stderr === STDOUT ? stdout : options.stderr
  const stdio: StdioOptions = [stdin, stdout, stderr]
  // A pipe cannot be given twice: the shell's 2>&1 makes one of two.
  const [file, argv] =
    merged && stdout === 'pipe'
      ? ['/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args]]
      : [program, args]
  let child: ChildProcess
  try {
    child = spawnChild(file, argv, {
      stdio,
      detached: group,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
  } catch (error) {
    throw toSpawnError(error as NodeJS.ErrnoException, program, options.cwd)
  }
  if (child.pid === undefined) {
    for (const pipe of child.stdio) pipe?.destroy()
    const [error] = (await once(child, 'error').catch((reason: unknown) => [reason])) as [
      NodeJS.ErrnoException,
    ]
    throw toSpawnError(error, program, options.cwd)
  }
  child.on('error', () => {})
  return new Process(child, options, group)
}

/**
 * Runs a command line in a shell.
 *
 * Source: asyncio.create_subprocess_shell
 */
export async function createSubprocessShell(
  command: string,
  options: SpawnOptions = {},
): Promise<Process> {
  if (typeof command !== 'string')
    throw new TypeError(`the command must be a string, got ${typeof command}`)
  return createSubprocessExec(options.shell ?? '/bin/sh', ['-c', command], options)
}
