import { describe } from '@tasktree/core/lowlevel'
import { checkBackoff } from './backoff.ts'
import type { BaseSpec, ChildOptions, ChildSpec, SupervisorOptions } from './child-spec.ts'

/**
 * The functions of this file check the descriptions of children and the options of supervisors, before anything is
 * started.
 */

const childOptionNames: readonly string[] = [
  'restart',
  'shutdown',
  'significant',
  'startTimeout',
  'stickyStop',
  'decide',
  'onZombie',
]
const supervisorOptionNames: readonly string[] = [
  'strategy',
  'maxRestarts',
  'within',
  'perChild',
  'backoff',
  'autoShutdown',
  'stopMode',
  'children',
]

function checkKeys(what: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!allowed.includes(key)) {
      throw new TypeError(`${what} has no option ${key}; there are ${allowed.join(', ')}`)
    }
  }
}

function checkChoice(field: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return
  throw new TypeError(`${field} must be one of ${choices.join(', ')}; got ${describe(value)}`)
}

export function checkNumber(field: string, value: unknown, low: number, integer: boolean): void {
  if (value === undefined) return
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TypeError(`${field} must be a number, got ${describe(value)}`)
  }
  if (value < low || (integer && !Number.isInteger(value))) {
    throw new RangeError(`${field} must be ${integer ? 'an integer ' : ''}>= ${low}, got ${value}`)
  }
}

function checkBoolean(field: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new TypeError(`${field} must be true or false, got ${describe(value)}`)
}

export function baseSpec(
  id: string,
  options: ChildOptions,
  budget: number,
  own: string[],
): BaseSpec {
  if (typeof id !== 'string' || id === '' || id.includes('/')) {
    throw new TypeError(
      `a child's id must be a string, not empty and without a slash; got ${typeof id === 'string' ? JSON.stringify(id) : describe(id)}`,
    )
  }
  const what = `child ${JSON.stringify(id)}`
  checkKeys(what, options, [...childOptionNames, ...own])
  checkChoice(`${what}: restart`, options.restart, ['permanent', 'transient', 'temporary'])
  checkChoice(`${what}: onZombie`, options.onZombie, ['proceed', 'escalate'])
  if (options.shutdown !== 'kill') checkNumber(`${what}: shutdown`, options.shutdown, 0, false)
  checkNumber(`${what}: startTimeout`, options.startTimeout, 0, false)
  checkBoolean(`${what}: significant`, options.significant)
  checkBoolean(`${what}: stickyStop`, options.stickyStop)
  if (options.decide !== undefined && typeof options.decide !== 'function') {
    throw new TypeError(`${what}: decide must be a function, got ${describe(options.decide)}`)
  }
  const restart = options.restart ?? 'permanent'
  if (options.significant === true && restart === 'permanent') {
    throw new RangeError(`${what}: significant needs restart transient or temporary, got permanent`)
  }
  return {
    id,
    restart,
    shutdown: options.shutdown ?? budget,
    significant: options.significant ?? false,
    startTimeout: options.startTimeout,
    stickyStop: options.stickyStop ?? false,
    decide: options.decide,
    onZombie: options.onZombie ?? 'proceed',
  }
}

/**
 * Checks that `options` is an object.
 * @throws {TypeError} when `options` is not an object
 */
export function checkSupervisorObject(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`a supervisor's options must be an object, got ${describe(options)}`)
}

/**
 * Checks the options of a supervisor.
 *
 * @throws {TypeError} when an option is unknown or has a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 */
export function checkSupervisor(options: SupervisorOptions): void {
  checkSupervisorObject(options)
  checkKeys('a supervisor', options, supervisorOptionNames)
  checkChoice('strategy', options.strategy, ['one-for-one', 'one-for-all', 'rest-for-one'])
  checkNumber('maxRestarts', options.maxRestarts, 0, true)
  checkNumber('within', options.within, 0, false)
  if (options.within === 0) throw new RangeError('within must be more than 0 ms, got 0')
  checkBoolean('perChild', options.perChild)
  checkChoice('autoShutdown', options.autoShutdown, ['never', 'any', 'all'])
  checkChoice('stopMode', options.stopMode, ['ordered', 'parallel'])
  if (options.backoff !== undefined) {
    checkBackoff(options.backoff, options.maxRestarts ?? 3, options.within ?? 5000)
  }
  const { children } = options
  if (Array.isArray(children)) checkChildren(children, options.autoShutdown)
  else if (children !== undefined && typeof children !== 'function') {
    throw new TypeError(`children must be an array or a function, got ${describe(children)}`)
  }
}

/**
 * Checks the specs of the children of a supervisor.
 *
 * @throws {TypeError} when a field has a wrong type; the message names the child and the field
 * @throws {RangeError} when a field is out of range, or when two children have the same id
 */
export function checkChildren(
  children: readonly ChildSpec[],
  autoShutdown: SupervisorOptions['autoShutdown'],
): void {
  const ids = new Set<string>()
  for (const spec of children) {
    checkSpec(spec, autoShutdown)
    if (ids.has(spec.id)) throw new RangeError(`duplicate child id ${JSON.stringify(spec.id)}`)
    ids.add(spec.id)
  }
}

export function checkSpec(spec: ChildSpec, autoShutdown: SupervisorOptions['autoShutdown']): void {
  if (typeof spec !== 'object' || spec === null || typeof spec.kind !== 'string') {
    throw new TypeError(`a child must be made by child.actor, child.task, …; got ${describe(spec)}`)
  }
  if (spec.significant && (autoShutdown ?? 'never') === 'never') {
    throw new RangeError(
      `child ${JSON.stringify(spec.id)}: significant needs a supervisor with autoShutdown any or all, got never`,
    )
  }
}
