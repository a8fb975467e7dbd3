import type { Future } from './future.ts'
import type { Reaction } from './reaction.ts'

/**
 * The site of each wait: the stack frames of the program at the beginning of the wait, as texts `file:line`, the
 * innermost first. To read a stack takes about ten microseconds, and the wait itself less than one, so sites are stored
 * only after `captureAwaitSites(true)`, or in debug mode.
 *
 * A site is stored under the reaction of its wait, which is the object that resumes the waiting code. Many waits of a
 * task may have the same reaction, one after another. Then only the site of the newest wait is stored.
 */
let sites: WeakMap<Reaction, readonly string[]> | null = null
let isCapturing = false
/**
 * For a future in a `yield*`: the stack frames that `noteYieldSite` has read there, until `noteAwaitSite` stores them
 * for the wait that begins there. That wait need not be the next one: if an async function runs the generator, other
 * code may begin a wait in between.
 */
const sitesOfYields = new WeakMap<Future<unknown>, readonly string[]>()

/**
 * Patterns for the paths of the files of this library's packages. A function in such a file does not belong to the
 * program, so its stack frame is not part of a site (the stack frames that are stored for one wait).
 */
const ownFolders = foldersOf(import.meta.url)
/**
 * Matches the path of a file of this package, core. The stack frames of core are never shown, because they say nothing
 * about the program.
 */
const inCore = /[\\/]core[\\/](?:src|dist)[\\/]/
/** At most this many stack frames are read, unless a caller of `callSites` gives another limit. */
const defaultDepth = 30
/** For each wait, at most this many stack frames of the program are stored. */
const maxSiteLength = 10

/**
 * `captureAwaitSites(true)`: from now on, each wait records the file and the line of its `await`, and `snapshot()`
 * shows them as `at`. A record costs about ten microseconds. `captureAwaitSites(false)`: no more waits are recorded,
 * and earlier records are kept. A loop in debug mode always records its waits.
 *
 * @example
 *     captureAwaitSites(true)
 *     const task = createTask(async () => await sleep(20), { name: 'poller' })
 *     await sleep(1)
 *     const all = snapshot().loops.flatMap(({ tasks }) => tasks)
 *     console.log(all.find(({ name }) => name === 'poller')?.waitingOn[0]?.at)
 *     // for instance /app/main.mjs:7
 *     await task
 *     captureAwaitSites(false)
 */
export function captureAwaitSites(on: boolean): void {
  if (typeof on !== 'boolean') {
    throw new TypeError(`captureAwaitSites takes true or false, got ${typeof on}`)
  }
  isCapturing = on
}

/**
 * True after `captureAwaitSites(true)`, until `captureAwaitSites(false)`. While true, each wait records the line of its
 * `await`.
 */
export function capturesAwaitSites(): boolean {
  return isCapturing
}

/**
 * Stores the stack frames of the program at which a wait for `future` has just begun. `reaction` is the object that
 * will resume the waiting code; `awaitSiteOf(reaction)` returns the stored stack frames.
 */
export function noteAwaitSite(reaction: Reaction, future: Future<unknown>): void {
  sites ??= new WeakMap()
  sites.set(reaction, sitesOfYields.get(future) ?? programFrames())
  sitesOfYields.delete(future)
}

/**
 * Reads the stack frames of the program at a `yield*` of `future`, and keeps them until the call of `noteAwaitSite` for
 * this future, which stores them as the site of the wait. Must be called while the generator still runs. When
 * `noteAwaitSite` is called, the generator is suspended and is not on the stack any more, so `noteAwaitSite` cannot
 * read these stack frames itself.
 */
export function noteYieldSite(future: Future<unknown>): void {
  sitesOfYields.set(future, programFrames())
}

/**
 * Returns the stack frames of the program at which a wait began, as texts `file:line`, the innermost first; an empty
 * list if none were stored. `reaction` is the object that resumes the code after this wait.
 */
export function awaitSiteOf(reaction: Reaction): readonly string[] {
  return sites?.get(reaction) ?? []
}

/**
 * Returns the stack frames of the running code that belong to the program, as `file:line`, the innermost first. If a
 * function of the program has returned a promise without an `await`, that function is not on the stack any more. If no
 * stack frame of the program is left, the list has the innermost stack frame that belongs to another package of this
 * library, or is empty.
 */
export function programFrames(): string[] {
  const lines: string[] = []
  let own: string | null = null
  for (const site of callSites()) {
    const file = site.getFileName()
    if (file === null || file === undefined || isRuntime(file)) continue
    const line = `${toPath(file)}:${site.getLineNumber() ?? 0}`
    if (isOwn(file)) {
      own ??= inCore.test(line) ? null : line
      continue
    }
    lines.push(line)
    if (lines.length === maxSiteLength) break
  }
  if (lines.length === 0 && own !== null) lines.push(own)
  return lines
}

/**
 * Returns at most `limit` stack frames of the caller, as V8's CallSite objects. The text `error.stack` is not read,
 * because that would call a `prepareStackTrace` that the program has installed. Returns an empty list if Error is
 * frozen, because `Error.prepareStackTrace` cannot be replaced then.
 */
export function callSites(limit: number = defaultDepth): readonly NodeJS.CallSite[] {
  const { stackTraceLimit } = Error
  // oxlint-disable-next-line typescript/unbound-method -- the function is only stored, and put back below
  const { prepareStackTrace } = Error
  const holder: { stack?: unknown } = {}
  Reflect.set(Error, 'stackTraceLimit', limit)
  Reflect.set(Error, 'prepareStackTrace', (_: Error, each: NodeJS.CallSite[]) => each)
  try {
    Error.captureStackTrace(holder, callSites)
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : []
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
    Reflect.set(Error, 'prepareStackTrace', prepareStackTrace)
  }
}

/** Whether `file`, a file name from a stack, belongs to the runtime or to this library, and not to the program. */
export function isForeign(file: string): boolean {
  return isRuntime(file) || isOwn(file)
}

function isRuntime(file: string): boolean {
  return file.startsWith('node:') || file.startsWith('evalmachine.') || file === ''
}

function isOwn(file: string): boolean {
  return ownFolders.some((folder) => folder.test(toPath(file)))
}

/** Turns a `file://` address into a path; returns any other text as it is. */
export function toPath(file: string): string {
  if (!file.startsWith('file://')) return file
  try {
    return decodeURIComponent(file.slice('file://'.length).replace(/^\/(?=[A-Za-z]:)/, ''))
  } catch {
    return file.slice('file://'.length)
  }
}

/**
 * Returns patterns for the paths of this library's files; `url` is the address of this file. Every file of an installed
 * `@tasktree` package matches. If core is not installed but runs in the repository, the files in the `src` and `dist`
 * folders of the packages beside core match too.
 */
function foldersOf(url: string | undefined): RegExp[] {
  const installed = /[\\/]node_modules[\\/]@tasktree[\\/]/
  const [, packages] = /^(.*)[\\/]core[\\/](?:src|dist)[\\/]/.exec(toPath(url ?? '')) ?? []
  if (packages === undefined || installed.test(`${packages}/`)) return [installed]
  const escaped = packages.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return [installed, new RegExp(`^${escaped}[\\\\/][a-z]+[\\\\/](?:src|dist)[\\\\/]`)]
}
