/** An error whose message the command `tasktree` prints as one line. The command then ends with exit code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}
