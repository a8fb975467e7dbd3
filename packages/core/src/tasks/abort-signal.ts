import type { CancelledError } from '../errors/errors.ts'

/**
 * Aborts the signal of a frame so that a cancel that is delivered by it is delivered once.
 *
 * Code that was given the signal ends its work with the signal's reason: a listener that rejects with it, a loop that
 * polls `aborted`, `throwIfAborted()`. Then that code has got the cancel, and the next wait must not be struck by the
 * same cancel, because that wait is clean-up. So every look at the aborted signal counts as the delivery. A listener
 * that only logs the reason therefore takes the cancel; that is documented.
 *
 * The signals that `AbortSignal.any` has derived take the reason by an internal path. Node keeps them in a property of
 * the source signal; where there is no such property, a look at a derived signal is not seen, and the cancel strikes
 * the next wait as well.
 *
 * Returns whether somebody has looked while the listeners ran; `onTaken` is called for each look after that.
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
  for (const each of [signal, ...derivedSignals(signal)]) watchLooks(each, reason, take)
  controller.abort(reason)
  isDispatching = false
  return isTaken
}

const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')

/** Past the property that counts looks. */
function isAborted(signal: AbortSignal): boolean {
  return aborted?.get?.call(signal) === true
}

function watchLooks(signal: AbortSignal, reason: CancelledError, take: () => void): void {
  // Before the abort event the signal must still say that it is not aborted.
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
    // The property holds something else in this version of the platform.
  }
  return derived
}
