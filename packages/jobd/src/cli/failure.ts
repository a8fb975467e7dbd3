/** Ends a command with code 1 and this message: the program works, but the command did not succeed. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}
