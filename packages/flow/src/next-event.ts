import { Claim, type Linked, type LinkedList } from '@tasktree/core/lowlevel'

/** What a call of `next` of a stream of events returns, or the error that the call throws. */
export type Outcome<T> = IteratorResult<T, undefined> | { readonly error: unknown }

/** The methods of a stream that its waiting calls of `next` use. */
export interface EventSource<T> {
  /** Called when the code of `next` is about to continue: sets the outcome of `next`. */
  serve(next: NextEvent<T>): void
  /** Called when `next` was cancelled, or its loop was closed, after it was woken. Lets the next call have its turn. */
  pass(next: NextEvent<T>): void
}

/** A call of `next` that waits for an event, in the queue of such calls. */
export class NextEvent<T> extends Claim<Outcome<T>> implements Linked<NextEvent<T>> {
  list: LinkedList<NextEvent<T>> | null = null
  nextInList: NextEvent<T> | null = null
  previousInList: NextEvent<T> | null = null
  readonly #source: EventSource<T>

  constructor(source: EventSource<T>) {
    super()
    this.#source = source
  }

  protected override claim(): void {
    this.#source.serve(this)
  }

  protected override decline(): void {
    this.#source.pass(this)
  }
}
