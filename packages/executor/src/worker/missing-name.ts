import { JobSerializationError } from '../jobs/errors.ts'

/** Returns the name that code has used and that does not exist, if that is why `thrown` was thrown; otherwise null. */
export function findMissingName(thrown: unknown): string | null {
  try {
    if (!(thrown instanceof ReferenceError)) return null
    return /^(\S+) is not defined$/.exec(thrown.message)?.[1] ?? null
  } catch {
    return null
  }
}

/** Makes the error for a function that was sent as source text and uses `name`, a variable of its module. */
export function missingName(name: string, options?: ErrorOptions): JobSerializationError {
  return new JobSerializationError(
    `the job uses ${name}, which is a variable of the module it comes from: a function is sent by its source and must stand alone; pass ${name} as an argument, or export the job from a module and refer to it with jobs()`,
    options,
  )
}
