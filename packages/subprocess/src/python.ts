import { describe } from '@tasktree/core/lowlevel'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ManagedProcessOptions } from './managed-options.ts'
import { ManagedProcess } from './managed-process.ts'

/**
 * A managed `python3 -u`, found on PATH, that runs a script when `scriptOrCode` ends in `.py` or is the
 * path of a file, and else the code itself. `start` throws FileNotFoundError where there is no python3.
 */
export function python(
  scriptOrCode: string,
  args: readonly string[] = [],
  options: ManagedProcessOptions = {},
): ManagedProcess {
  if (typeof scriptOrCode !== 'string')
    throw new TypeError(`python takes a script or code, got ${describe(scriptOrCode)}`)
  const program = isScript(scriptOrCode, options.cwd) ? [scriptOrCode] : ['-c', scriptOrCode]
  return new ManagedProcess('python3', ['-u', ...program, ...args], options)
}

function isScript(text: string, cwd = '.'): boolean {
  if (text.includes('\n') || text.includes('\0')) return false
  return text.endsWith('.py') || existsSync(resolve(cwd, text))
}
