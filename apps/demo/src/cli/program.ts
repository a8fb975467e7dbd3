import { Command, type CommanderError } from 'commander'
import { addJobCommands } from './job-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { tour } from '../tour.ts'

/** The command line. A mistake in it is a CommanderError, said with the command's usage line. */
export function makeProgram(): Command {
  const program = new Command('npm run demo --')
    .description('jobd, a durable job server. Without a command: the tour.')
    .exitOverride()
  program
    .command('tour')
    .description('Start a server on a temporary file, give it real work, kill a worker midway.')
    .action(() => tour())
  addServerCommands(program)
  addJobCommands(program)
  for (const command of [program, ...program.commands])
    command.showHelpAfterError(`Usage: ${nameOf(command)} ${command.usage()}`)
  return program
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`
}

/** The code that the process ends with: help that was asked for is no mistake. */
export function codeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2
}
