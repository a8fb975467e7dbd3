import { fetchUrl } from './fetch.ts'
import { hash } from './hash.ts'
import type { Job, JobKind } from './job.ts'
import type { Bench, Kind } from './kind.ts'
import { primes } from './primes.ts'
import { python } from './python.ts'
import { shell } from './shell.ts'
import { sleep } from './sleep.ts'
import { words } from './words.ts'

const kinds: { readonly [K in JobKind]: Kind | Kind<number> | Kind<URL> } = {
  shell,
  hash,
  words,
  primes,
  fetch: fetchUrl,
  python,
  sleep,
}

/** What parse and run of one kind have in common is lost in the table: here it is taken for granted. */
function kindOf(name: JobKind): Kind<unknown> {
  const kind = kinds[name] as Kind<unknown> | undefined
  if (kind === undefined) throw new Error(`this server has no kind '${name as string}'`)
  return kind
}

/** @throws {PayloadError} for a payload that cannot work */
export function checkPayload(kind: JobKind, payload: string): void {
  kindOf(kind).parse(payload)
}

/** Does a job, and gives its result as text. A cancel ends the work itself. */
export function perform(job: Job, bench: Bench): PromiseLike<string> {
  const kind = kindOf(job.kind)
  return kind.run(kind.parse(job.payload), bench)
}

/** How many jobs of a kind may run at once, where there is a limit. */
export const capacities: Partial<Record<JobKind, number>> = Object.fromEntries(
  Object.entries(kinds).flatMap(([name, { capacity }]) =>
    capacity === undefined ? [] : [[name, capacity]],
  ),
)

/** What the page shows in an empty field for the payload, by kind. */
export const placeholders: Record<string, string> = Object.fromEntries(
  Object.entries(kinds).map(([name, { placeholder }]) => [name, placeholder]),
)
