import { checkCount, checkDuration, checkFlag, describe } from '@tasktree/core/lowlevel'
import type { LimitChange } from '../jobs/kind-limits.ts'
import { checkRate } from '../jobs/kind.ts'
import type { Token } from '../server/credentials.ts'
import type { JobdOptions } from './jobd.ts'

/** More workers than this are a mistake: each is an actor, and runs one job. */
const mostWorkers = 100_000

/**
 * Checks the options that no other part checks. Without this check a wrong number would show its effect late, for
 * example when no worker takes a job.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 */
export function checkJobdOptions(options: JobdOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`startJobd expects an object of options, got ${describe(options)}`)
  }
  const { file, workers, grace, waitLock, maxQueued, maxDeaths, retention } = options
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw new TypeError(`the option file must be the path of the jobs' file, got ${describe(file)}`)
  }
  if (workers !== undefined) checkCountUpTo('workers', workers, mostWorkers)
  if (maxQueued !== undefined) checkCount('maxQueued', maxQueued, 1)
  if (maxDeaths !== undefined) checkCountUpTo('maxDeaths', maxDeaths, Number.MAX_SAFE_INTEGER)
  if (grace !== undefined) checkDuration('grace', grace)
  if (waitLock !== undefined) checkDuration('waitLock', waitLock)
  if (options.maxFileSize !== undefined) checkCount('maxFileSize', options.maxFileSize, 1)
  checkAddress(options)
  checkSecrets(options)
  for (const name of ['vacuum', 'builtInKinds'] as const)
    if (options[name] !== undefined) checkFlag(name, options[name])
  for (const name of ['limits', 'clients', 'logger'] as const)
    if (options[name] !== undefined) checkObject(name, options[name], 'an object')
  for (const [kind, limits] of Object.entries(options.limits ?? {}))
    checkLimits(`limits.${kind}`, limits)
  checkClients(options)
  for (const method of ['debug', 'info', 'warn', 'error'] as const)
    if (options.logger !== undefined && typeof options.logger[method] !== 'function')
      throw new TypeError(
        `logger.${method} must be a function, got ${describe(options.logger[method])}`,
      )
  if (retention === undefined) return
  checkObject('retention', retention, 'an object like { done: 1000 }')
  const { done, failed, last } = retention
  if (done !== undefined) checkDuration('retention.done', done)
  if (failed !== undefined) checkDuration('retention.failed', failed)
  if (last !== undefined) checkCount('retention.last', last, 0)
}

/** @throws {TypeError | RangeError} for an address at which the server cannot listen */
function checkAddress({ host, port, http, publicUrl, trustProxy }: JobdOptions): void {
  for (const [name, value] of Object.entries({ host, publicUrl }))
    if (value !== undefined && typeof value !== 'string')
      throw new TypeError(`the option ${name} must be a text, got ${describe(value)}`)
  for (const [name, value] of Object.entries({ port, http })) {
    if (value === undefined) continue
    checkCount(`the option ${name}`, value, 0)
    if (value > 65_535)
      throw new RangeError(`the option ${name} must be a number from 0 to 65535, got ${value}`)
  }
  if (trustProxy === undefined) return
  if (!Array.isArray(trustProxy) || !trustProxy.every((each) => typeof each === 'string'))
    throw new TypeError(
      `the option trustProxy must be a list of texts, got ${describe(trustProxy)}`,
    )
}

/** @throws {TypeError} for a password or a token of a wrong type. `Credentials` checks their texts. */
function checkSecrets({ password, tokens }: JobdOptions): void {
  if (password !== undefined && typeof password !== 'string')
    // The message does not show the value, because it is a secret.
    throw new TypeError(`the option password must be a text, got a ${typeof password}`)
  if (tokens === undefined) return
  const isToken = (token: unknown): boolean =>
    typeof token === 'object' &&
    token !== null &&
    typeof (token as Token).name === 'string' &&
    typeof (token as Token).secret === 'string'
  if (!Array.isArray(tokens))
    throw new TypeError(
      `the option tokens must be a list of { name, secret }, got ${describe(tokens)}`,
    )
  if (!tokens.every(isToken))
    throw new TypeError('each of the option tokens must be an object { name, secret } of two texts')
}

function checkClients({ clients = {} }: JobdOptions): void {
  const { maxClients, patience, stallTime } = clients
  if (maxClients !== undefined) checkCount('clients.maxClients', maxClients, 1)
  if (patience !== undefined) checkDuration('clients.patience', patience)
  if (stallTime !== undefined) checkDuration('clients.stallTime', stallTime)
}

const limitNames: readonly string[] = [
  'concurrency',
  'rate',
  'groupConcurrency',
  'groupRate',
] satisfies (keyof LimitChange)[]

/** @throws {TypeError | RangeError} for limits that are not a LimitChange; `what` is their name in the message */
function checkLimits(what: string, limits: LimitChange): void {
  checkObject(what, limits, 'an object like { concurrency: 4 }')
  const wrong = Object.keys(limits).find((name) => !limitNames.includes(name))
  if (wrong !== undefined)
    throw new TypeError(`${what} has no limit ${wrong}: there are ${limitNames.join(', ')}`)
  for (const name of ['concurrency', 'groupConcurrency'] as const) {
    const n = limits[name]
    if (n !== undefined && n !== null && !(Number.isInteger(n) && n >= 1))
      throw new RangeError(`${what}.${name} must be a whole number of at least 1, got ${n}`)
  }
  for (const name of ['rate', 'groupRate'] as const) {
    const rate = limits[name]
    if (rate !== undefined && rate !== null) checkRate(`${what}.${name}`, rate)
  }
}

function checkObject(name: string, value: unknown, expected: string): void {
  if (typeof value === 'object' && value !== null) return
  throw new TypeError(`the option ${name} must be ${expected}, got ${describe(value)}`)
}

function checkCountUpTo(name: string, value: number, most: number): void {
  checkCount(name, value, 1)
  if (value > most) throw new RangeError(`${name} must be at most ${most}, got ${value}`)
}
