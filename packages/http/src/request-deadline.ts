import { type CancelScope, cancelScope } from '@tasktree/core'

/** A request that must be answered before its deadline. */
interface LimitedRequest {
  /** Answers the request. `scope` is cancelled when the deadline passes. */
  readonly answer: (scope: CancelScope) => Promise<void>
  /** Answers 503 with `Retry-After`, or resets the connection when the head was sent already. */
  readonly refuse: () => void
}

/**
 * Answers a request within `deadline` milliseconds. When they have passed, the request is refused at once, before the
 * handler has ended, because the handler may be in an await that cannot be cancelled.
 */
export async function answerBefore(
  deadline: number,
  { answer, refuse }: LimitedRequest,
): Promise<void> {
  const result = await cancelScope(
    (scope) => {
      const onAbort = (): void => {
        if (scope.cancelCalled) refuse()
      }
      scope.signal.addEventListener('abort', onAbort, { once: true })
      return answer(scope)
    },
    { timeout: deadline, name: 'deadline' },
  )
  if (result.cancelled) refuse()
}
