import { type Future, isCancelled } from '@tasktree/core'

/** Prints a result or an error as it stands in a trace, with Python's words (`None`, `True`). */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (value instanceof AggregateError) return `${value.name}[${value.errors.map(show).join(', ')}]`
  if (isCancelled(value))
    return value.message === '' ? value.name : `${value.name}(${value.message})`
  if (value instanceof Error) return value.name
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'number' || typeof value === 'string') return `${value}`
  return `unexpected ${typeof value}`
}

export function describeState(future: Future<unknown>): string {
  if (!future.done()) return 'pending'
  if (future.cancelled()) return 'cancelled'
  return show(future.exception() ?? future.result())
}
