import { isCancelled } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import {
  CalledProcessError,
  type CompletedProcess,
  MaxBufferError,
  TimeoutExpired,
} from './errors.ts'
import { checkSpawn, DEVNULL, PIPE, type SpawnOptions } from './options.ts'
import { checkInput } from './process.ts'
import { start } from './spawn.ts'

export interface RunOptions extends SpawnOptions {
  /** What the program reads from its stdin. */
  input?: Uint8Array | string | undefined
  /** Whether a code other than 0 throws CalledProcessError. @defaultValue false */
  check?: boolean | undefined
  /** Whether `stdout` and `stderr` of the result are Buffers or strings. @defaultValue 'buffer' */
  encoding?: 'buffer' | 'utf8' | undefined
  /** How many bytes of each output are kept. A program that writes more is ended. @defaultValue no limit */
  maxBuffer?: number | undefined
}

/**
 * Runs a program to its end, and returns its code and its output. By default `stdout` and `stderr` are pipes, and
 * `stdin` is empty. A cancel ends the program.
 *
 * @throws {CalledProcessError} with `check`, for a code other than 0
 * @throws {TimeoutExpired} when the `timeout` has ended the program; the error has the output until then
 * @throws {MaxBufferError} when the program wrote more than `maxBuffer` bytes to an output; the error has the first
 * `maxBuffer` bytes
 * @throws what createSubprocessExec and `communicate` of the process throw
 *
 * @example
 *     const { stdout, returncode } = await run('sort', [], { input: 'b\na\n', encoding: 'utf8' })
 *     console.log(JSON.stringify(stdout), returncode) // "a\nb\n" 0
 *
 * Source: subprocess.run. Differs: by default it captures the output, and stdin is empty.
 */
export function run(
  program: string,
  args: readonly string[] | undefined,
  options: RunOptions & { encoding: 'utf8' },
): Promise<CompletedProcess<string>>
export function run(
  program: string,
  args?: readonly string[],
  options?: RunOptions & { encoding?: 'buffer' | undefined },
): Promise<CompletedProcess>
export function run(
  program: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<CompletedProcess<Buffer | string>> {
  checkRun(program, args, options)
  return runToEnd(program, args, options)
}

/** Implements `run`, for arguments that were already checked. */
export function runToEnd(
  program: string,
  args: readonly string[],
  options: RunOptions & { encoding?: 'buffer' | undefined },
): Promise<CompletedProcess>
export function runToEnd(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<CompletedProcess<Buffer | string>>
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<CompletedProcess<Buffer | string>> {
  const command = [program, ...args]
  const { input, check = false, encoding = 'buffer', maxBuffer = Infinity, ...spawning } = options
  const places =
    spawning.stdio !== undefined
      ? {}
      : {
          stdin: input === undefined ? (spawning.stdin ?? DEVNULL) : PIPE,
          stdout: spawning.stdout ?? PIPE,
          stderr: spawning.stderr ?? PIPE,
        }
  await using child = await start(program, args, { ...spawning, ...places })
  const captured = await child.capture(input, maxBuffer)
  const decode = (bytes: Buffer): Buffer | string => (encoding === 'utf8' ? String(bytes) : bytes)
  const { cut, stdout, stderr } = captured
  if (cut === 'timeout') {
    throw new TimeoutExpired(command, spawning.timeout as number, {
      stdout: stdout && decode(stdout),
      stderr: stderr && decode(stderr),
    })
  }
  const completed: CompletedProcess<Buffer | string> = {
    args: command,
    returncode: child.returncode as number,
    stdout: decode(stdout ?? Buffer.alloc(0)),
    stderr: decode(stderr ?? Buffer.alloc(0)),
  }
  if (isCancelled(cut)) throw cut
  if (cut !== null) throw new MaxBufferError(cut.over, maxBuffer, completed)
  if (check && completed.returncode !== 0) throw new CalledProcessError(completed)
  return completed
}

/** Checks the arguments of `run`, before anything is started, so that a wrong argument leaves nothing behind. */
export function checkRun(program: string, args: readonly string[], options: RunOptions): void {
  checkOptions(options)
  const { input, encoding = 'buffer', maxBuffer = Infinity } = options
  checkInput(input)
  if (input !== undefined && options.stdin !== undefined)
    throw new TypeError('run() takes either input or stdin, got both')
  if (input !== undefined && options.stdio !== undefined)
    throw new TypeError('run() takes either input or stdio, got both')
  if (encoding !== 'buffer' && encoding !== 'utf8')
    throw new TypeError(`encoding must be 'buffer' or 'utf8', got ${describe(encoding)}`)
  if (typeof maxBuffer !== 'number' || Number.isNaN(maxBuffer))
    throw new TypeError(`maxBuffer must be a number of bytes, got ${describe(maxBuffer)}`)
  if (maxBuffer < 0) throw new RangeError(`maxBuffer must be 0 bytes or more, got ${maxBuffer}`)
  checkSpawn(program, args, options)
}
