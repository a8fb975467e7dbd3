import type { CancelledError } from '../errors/errors.ts'

/**
 * Aborts the signal of a frame (the object for one scope or task), and watches whether code reads the aborted
 * signal, so that no cancel is delivered twice.
 *
 * Code that was given the signal ends its own work when the signal aborts: a listener rejects a promise with the
 * reason, a loop polls `aborted`, or `throwIfAborted()` throws the reason. That code has then got the cancel. Its next
 * wait is clean-up and must not be ended by the same cancel. So the cancel counts as delivered when code reads
 * `aborted` or `reason` of the aborted signal, or calls its `throwIfAborted()`. A listener that only logs the reason
 * counts too; the documentation says so.
 *
 * `AbortSignal.any` derives a signal from other signals, and the derived signal aborts together with its source. Node
 * keeps the derived signals in a property of the source signal, so this function watches them too. If code reads a
 * signal that is derived after the abort, or any derived signal in a runtime without that property, this function does
 * not notice it, and the cancel also ends the next wait.
 *
 * Returns whether code has read the signal, or a derived one, while the `abort` listeners ran: then the caller need not
 * throw the cancel at a wait. `onTaken` is called each time code reads one of these signals later.
 */
export function abortSignal(
  controller: AbortController,
  reason: CancelledError,
  onTaken: () => void,
): boolean {
  const { signal } = controller
  let isDispatching = true
  let isTaken = false
  const take = (): void => {
    if (isDispatching) isTaken = true
    else onTaken()
  }
  for (const each of [signal, ...derivedSignals(signal)]) watchReads(each, reason, take)
  controller.abort(reason)
  isDispatching = false
  return isTaken
}

const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')

/**
 * Whether `signal` is aborted. Calls the getter of the class AbortSignal, and does not read the property `aborted` that
 * `watchReads` has defined on `signal`: each read of this property means that code of the program has got the cancel.
 */
function isAborted(signal: AbortSignal): boolean {
  return aborted?.get?.call(signal) === true
}

function watchReads(signal: AbortSignal, reason: CancelledError, take: () => void): void {
  // The signal is aborted only after this function has returned. Until then `aborted` must return false.
  Object.defineProperties(signal, {
    aborted: {
      configurable: true,
      get: () => {
        const aborted = isAborted(signal)
        if (aborted) take()
        return aborted
      },
    },
    reason: {
      configurable: true,
      get: () => {
        take()
        return reason
      },
    },
    throwIfAborted: {
      configurable: true,
      writable: true,
      value: () => {
        if (!isAborted(signal)) return
        take()
        throw reason
      },
    },
  })
}

function derivedSignals(signal: AbortSignal): AbortSignal[] {
  const key = Object.getOwnPropertySymbols(signal).find(
    (symbol) => symbol.description === 'kDependantSignals',
  )
  if (key === undefined) return []
  const references = (signal as unknown as Record<symbol, Iterable<WeakRef<AbortSignal>>>)[key]
  const derived: AbortSignal[] = []
  try {
    for (const reference of references ?? []) {
      const each = reference.deref()
      if (each instanceof AbortSignal && !isAborted(each)) derived.push(each)
    }
  } catch {
    // In this version of the runtime, the property `kDependantSignals` does not hold a collection of WeakRefs, so the
    // derived signals cannot be found.
  }
  return derived
}
