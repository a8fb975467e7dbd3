import { describe } from '@tasktree/core/lowlevel'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ManagedProcessOptions } from './managed-options.ts'
import { ManagedProcess } from './managed-process.ts'
import { checkArgs, toFolder } from './options.ts'

/**
 * Makes a ManagedProcess that runs `python3 -u`, which is looked for on the PATH of `env`. If `scriptOrCode` is one line
 * that ends in `.py`, or the path of a file or a folder, it is the script to run. Otherwise it is the code to run.
 * `start` throws FileNotFoundError when there is no python3.
 *
 * @example
 *     await using hello = python('print("hello", flush=True)', [], {
 *       onStdout: (line) => console.log(line), // hello
 *     })
 *     await hello.start()
 *     await hello.wait()
 */
export function python(
  scriptOrCode: string,
  args: readonly string[] = [],
  options: ManagedProcessOptions = {},
): ManagedProcess {
  if (typeof scriptOrCode !== 'string')
    throw new TypeError(`python takes a script or code, got ${describe(scriptOrCode)}`)
  checkArgs(args)
  const program = isScript(scriptOrCode, toFolder(options.cwd))
    ? [scriptOrCode]
    : ['-c', scriptOrCode]
  return new ManagedProcess('python3', ['-u', ...program, ...args], options)
}

function isScript(text: string, cwd = '.'): boolean {
  if (text.includes('\n') || text.includes('\0')) return false
  return text.endsWith('.py') || existsSync(resolve(cwd, text))
}
