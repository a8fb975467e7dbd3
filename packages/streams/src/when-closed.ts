import { finished, type FinishedOptions, type Readable, type Writable } from 'node:stream'

/** For each stream whose method `_destroy` is wrapped, the functions to call when the stream has closed. */
const callbacksOf = new WeakMap<Readable | Writable, (() => void)[]>()

/**
 * Calls `callback` when `stream` has closed, that is, when its destroy is complete. Not called if it has closed before.
 *
 * A stream that was made with `emitClose: false` may emit no 'close', so its method `_destroy` is wrapped, once for all callers.
 */
export function whenClosed(stream: Readable | Writable, callback: () => void): void {
  if (emitsClose(stream)) {
    stream.once('close', callback)
    return
  }
  const others = callbacksOf.get(stream)
  if (others !== undefined) {
    others.push(callback)
    return
  }
  const callbacks = [callback]
  callbacksOf.set(stream, callbacks)
  const destroy = stream._destroy
  stream._destroy = (error, done) => {
    destroy.call(stream, error, (failure) => {
      done(failure)
      for (const each of callbacks.splice(0)) each()
    })
  }
}

/**
 * Calls `callback` when `stream` has ended, has failed or was destroyed, as `finished` of Node does. For a stream that was
 * made with `emitClose: false`, Node's `finished` does not notice a destroy without an error, but this function does. It
 * may then call `callback` twice.
 */
export function whenFinished(
  stream: Readable | Writable,
  options: FinishedOptions,
  callback: (error?: Error | null) => void,
): void {
  finished(stream, options, callback)
  if (emitsClose(stream)) return
  // `finished` also looks at the state of the stream when it is called, and the stream is closed by then.
  whenClosed(stream, () => finished(stream, options, callback))
}

/** Whether `stream` was made without `emitClose: false`. Node shows this option only in the state of the stream. */
function emitsClose(stream: object): boolean {
  const { _readableState, _writableState } = stream as Readonly<
    Record<'_readableState' | '_writableState', { emitClose?: boolean } | undefined>
  >
  return _readableState?.emitClose !== false && _writableState?.emitClose !== false
}
