/** What the command prints as one line before it ends with code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}
