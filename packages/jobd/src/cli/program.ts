import { Command, type CommanderError } from 'commander'
import { addAttemptCommands } from './attempt-subcommands.ts'
import { addFileCommands } from './file-subcommands.ts'
import { addKindCommands } from './kind-subcommands.ts'
import { addJobCommands } from './job-subcommands.ts'
import { addServerCommands } from './server-subcommands.ts'

/** Makes the command line. A mistake of the user becomes a CommanderError with the usage line of the command. */
export function makeProgram(): Command {
  const program = new Command('jobd')
    .description('A durable job server that any Redis client can talk to.')
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

/** The exit code: 0 for help that was asked for, 2 for a mistake on the command line. */
export function codeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2
}
