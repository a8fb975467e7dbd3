import { Command, type CommanderError, InvalidArgumentError } from 'commander'
import { addAttemptCommands } from './attempt-subcommands.ts'
import { addFileCommands } from './file-subcommands.ts'
import { addKindCommands } from './kind-subcommands.ts'
import { addJobCommands } from './job-subcommands.ts'
import { addServerCommands } from './server-subcommands.ts'
import { packageVersion } from '../version.ts'

/** Makes the command line. A mistake of the user becomes a CommanderError with the usage line of the command. */
export function makeProgram(): Command {
  const program = new Command('jobd')
    .description('A durable job server that any Redis client can talk to.')
    .version(packageVersion(), '--version', 'print the version')
    .exitOverride()
  addServerCommands(program)
  addJobCommands(program)
  addAttemptCommands(program)
  addKindCommands(program)
  addFileCommands(program)
  for (const command of [program, ...program.commands])
    command.showHelpAfterError(`Usage: ${nameOf(command)} ${command.usage()}`)
  return program
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`
}

/**
 * Runs a command line.
 *
 * @throws {CommanderError} for a mistake on the command line, after its message and a usage line were printed
 */
export async function runProgram(program: Command, words: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    // commander prints the errors of its own parsers. This error is thrown by a command that has parsed a value itself.
    if (error instanceof InvalidArgumentError) program.error(`error: ${error.message}`)
    throw error
  }
}

/** Returns the exit code: 0 for help or a version that was asked for, 2 for a mistake on the command line. */
export function codeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2
}
