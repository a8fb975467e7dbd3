import { CalledProcessError, type CompletedProcess } from './errors.ts'
import { PIPE, type SpawnOptions } from './options.ts'
import { createSubprocessExec } from './spawn.ts'

export interface RunOptions extends SpawnOptions {
  input?: Uint8Array | string
  /** Throws CalledProcessError for any code but 0. @defaultValue false */
  check?: boolean
  /** @defaultValue 'buffer' */
  encoding?: 'buffer' | 'utf8'
}

/**
 * Runs a program to its end, and gives its code and output. A cancel ends the program.
 *
 * @throws {CalledProcessError} with `check`
 *
 * Source: subprocess.run
 */
export async function run(
  program: string,
  args: string[] | undefined,
  options: RunOptions & { encoding: 'utf8' },
): Promise<CompletedProcess<string>>
export async function run(
  program: string,
  args?: string[],
  options?: RunOptions,
): Promise<CompletedProcess>
export async function run(
  program: string,
  args: string[] = [],
  options: RunOptions = {},
): Promise<CompletedProcess<Buffer | string>> {
  const { input, check = false, encoding = 'buffer', ...spawnOptions } = options
  const stdin = input === undefined ? (spawnOptions.stdin ?? 'ignore') : PIPE
  await using child = await createSubprocessExec(program, args, {
    stdout: PIPE,
    stderr: PIPE,
    ...spawnOptions,
    stdin,
  })
  const [stdout, stderr] = await child.communicate(input)
  const decode = (bytes: Buffer | null): Buffer | string =>
    encoding === 'utf8' ? (bytes ?? Buffer.alloc(0)).toString() : (bytes ?? Buffer.alloc(0))
  const completed: CompletedProcess<Buffer | string> = {
    args: [program, ...args],
    returncode: child.returncode ?? (await child.wait()),
    stdout: decode(stdout),
    stderr: decode(stderr),
  }
  if (check && completed.returncode !== 0) throw new CalledProcessError(completed)
  return completed
}
