import { race } from '@tasktree/core'
import { createInterface } from 'node:readline/promises'

/** Asks a question in the terminal. Returns whether the answer is yes. A cancel interrupts the wait for the answer. */
export async function confirm(question: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout })
  try {
    // If nobody can answer, for example in a script, the input ends. The answer is then the empty text, which means no.
    const closed = new Promise<string>((resolve) => asking.once('close', () => resolve('')))
    const answer = await race([asking.question(`${question} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    asking.close()
  }
}
