import { finished, type FinishedOptions, type Readable, type Writable } from 'node:stream'

/**
 * Calls `callback` once, when `stream` has ended, has failed or was destroyed, as `finished` of Node does.
 *
 * Node's `finished` learns of a destroy without an error from the event 'close', and a stream that was made with
 * `emitClose: false` does not emit this event. So the method `_destroy` of such a stream is wrapped.
 */
export function whenFinished(
  stream: Readable | Writable,
  options: FinishedOptions,
  callback: (error?: Error | null) => void,
): void {
  const forget = finished(stream, options, callback)
  if (emitsClose(stream)) return
  const destroy = stream._destroy
  stream._destroy = (error, done) => {
    destroy.call(stream, error, (failure) => {
      done(failure)
      forget()
      // The stream is closed now, so this second call of `finished` calls `callback` without waiting for an event.
      finished(stream, options, callback)
    })
  }
}

/** Whether `stream` was made without `emitClose: false`. Node shows this option only in the state of the stream. */
function emitsClose(stream: object): boolean {
  const { _readableState, _writableState } = stream as Readonly<
    Record<'_readableState' | '_writableState', { emitClose?: boolean } | undefined>
  >
  return _readableState?.emitClose !== false && _writableState?.emitClose !== false
}
