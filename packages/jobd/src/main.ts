#!/usr/bin/env node
import { CommanderError } from 'commander'
import { KeyboardInterrupt, run } from '@tasktree/core'
import { Failure } from './cli/failure.ts'
import { codeOf, makeProgram, runProgram } from './cli/program.ts'

// When the reader of a pipe has read enough and closed it, as head does, the program ends without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const words = process.argv.slice(2)

try {
  await run(() => runProgram(makeProgram(), words))
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = codeOf(error)
  else if (error instanceof Failure) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  } else if (error instanceof KeyboardInterrupt) process.exitCode = 130
  else throw error
}
