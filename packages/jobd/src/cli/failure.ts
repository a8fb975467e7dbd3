/**
 * An error that ends the command with exit code 1 and its message. The program works, but the command did not succeed.
 */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}
