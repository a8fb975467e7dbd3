#!/usr/bin/env node
import { CommanderError } from 'commander'
import { KeyboardInterrupt, run } from '@tasktree/core'
import { Failure } from './cli/failure.ts'
import { endWithoutOutput } from './cli/output.ts'
import { codeOf, makeProgram, runProgram } from './cli/program.ts'

process.stdout.on('error', endWithoutOutput)
// A message of an error that cannot be written is lost. The exit code still tells of the error.
process.stderr.on('error', () => {})

const words = process.argv.slice(2)

try {
  await run(() => runProgram(makeProgram(), words))
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = codeOf(error)
  else if (error instanceof Failure) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  } else if (error instanceof KeyboardInterrupt)
    process.exitCode = error.signal === 'SIGTERM' ? 143 : 130
  else throw error
}
