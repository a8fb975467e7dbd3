import { Future } from '@tasktree/core'
import type { Line, Link } from './line.ts'

/** A wait with nothing to take: it stands in a line, which it leaves at once when it is cancelled. */
export class Waiting<T> extends Future<T> implements Link<Waiting<T>> {
  line: Line<Waiting<T>> | null = null
  nextInLine: Waiting<T> | null = null
  previousInLine: Waiting<T> | null = null

  constructor(line: Line<Waiting<T>>) {
    super()
    line.push(this)
  }

  override cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean {
    this.line?.remove(this)
    return super.cancel(msg)
  }
}

/** Ends everyone's wait. */
export function endAll<T>(line: Line<Waiting<T>>, result: T): void {
  for (let waiting = line.shift(); waiting !== null; waiting = line.shift()) {
    waiting.setResult(result)
  }
}
