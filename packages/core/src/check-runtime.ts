/**
 * Checks whether the package can work in this runtime. If not, the check throws an error that says why. Every entry
 * point of the built package imports this file first. Without the check, a program would fail with
 * "Promise.withResolvers is not a function", or hang.
 */

/** The parts of the global object that the check reads. A test can pass an object of its own. */
export interface Runtime {
  readonly Promise: { readonly withResolvers?: unknown }
  readonly process?:
    | { readonly versions?: Readonly<Record<string, string | undefined>> }
    | undefined
  readonly Zone?: unknown
}

/** The class of the promises that async functions return. */
const enginePromise: unknown = (async () => {})().constructor

/** Returns a text that says why the package cannot work in `runtime`; null if the package can work there. */
export function findObstacle(runtime: Runtime): string | null {
  if (typeof runtime.Promise.withResolvers !== 'function') {
    const node = runtime.process?.versions?.['node']
    const here =
      node === undefined ? 'this runtime lacks Promise.withResolvers' : `this is Node ${node}`
    return `@tasktree/core needs Node 22 or later, Bun or Deno; ${here}`
  }
  if (runtime.Promise !== enginePromise) {
    const by = runtime.Zone === undefined ? 'Something' : 'zone.js'
    return (
      `${by} has replaced the global Promise. Tasktree needs the engine's own, because a task follows every await: ` +
      'run the code that uses Tasktree in a process or a worker without it'
    )
  }
  return null
}

/** @throws {Error} when the package cannot work here */
export function checkRuntime(runtime: Runtime = globalThis): void {
  const obstacle = findObstacle(runtime)
  if (obstacle !== null) throw new Error(obstacle)
}

checkRuntime()
