/** What ends a command with code 1 and this message: no mistake of the program's. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}
