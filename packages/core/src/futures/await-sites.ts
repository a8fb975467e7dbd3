import type { Reaction } from './reaction.ts'

/**
 * The site of each wait: the lines of the program that were running when the wait began, the innermost first. To read a
 * stack costs more than ten times as much as the wait itself, so sites are stored only after `captureAwaitSites(true)`,
 * or in debug mode.
 *
 * A site is stored under the reaction of its wait, which is the object that resumes the waiting code. A frame (the
 * running body of a task or scope) can be the reaction of many waits, one after another. For a frame, the site of its
 * newest wait is stored.
 */
let sites: WeakMap<Reaction, readonly string[]> | null = null
let isCapturing = false
let siteOfYield: readonly string[] | null = null

/**
 * Patterns that match the folders of this library's packages. A stack frame of a file in such a folder does not belong
 * to the program.
 */
const ownFolders = foldersOf(import.meta.url)
/**
 * Matches a file of this package, core. The stack frames of core are never shown, because they say nothing about the
 * program.
 */
const inCore = /[\\/]core[\\/](?:src|dist)[\\/]/
/** At most this many stack frames are read, unless a caller of `callSites` gives another limit. */
const depth = 30
/** At most this many lines of the program are stored for one wait. */
const kept = 10

/**
 * From now on each wait notes the file and the line of its `await`, and `snapshot()` shows them as `at`. This costs
 * about ten microseconds for each wait. `captureAwaitSites(false)` stops this; sites that were noted before are kept. A
 * loop in debug mode notes the sites of its waits in any case.
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

/** Whether the newest call of `captureAwaitSites` had the argument true. */
export function capturesAwaitSites(): boolean {
  return isCapturing
}

/**
 * Stores the lines of the program at which a wait has just begun. `reaction` is the object that will resume the waiting
 * code; `awaitSiteOf` finds the lines by this object.
 */
export function noteAwaitSite(reaction: Reaction): void {
  sites ??= new WeakMap()
  sites.set(reaction, siteOfYield ?? programFrames())
  siteOfYield = null
}

/**
 * Notes the line of a `yield*` that is about to pass a future to the driver of its generator. The line is on the stack
 * now. When the wait begins, the generator is suspended, and its line is no longer on the stack.
 */
export function noteYieldSite(): void {
  siteOfYield = programFrames()
}

/**
 * Returns the lines of the program at which a wait began, the innermost first; an empty list if no lines were noted.
 * `reaction` is the object that resumes the waiting code; the lines are stored under it.
 */
export function awaitSiteOf(reaction: Reaction): readonly string[] {
  return sites?.get(reaction) ?? []
}

/**
 * The stack frames of the running code that belong to the program, as `file:line`, the innermost first. If there is no
 * such frame, because the program has returned a promise without an `await`, the list has one entry: the innermost
 * stack frame of this library that is not in core.
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
    if (lines.length === kept) break
  }
  if (lines.length === 0 && own !== null) lines.push(own)
  return lines
}

/**
 * Returns the stack frames of the caller as V8's CallSite objects. The text `error.stack` is not read, because that
 * would call a `prepareStackTrace` that the program has installed. Returns an empty list if Error is frozen.
 */
export function callSites(limit: number = depth): readonly NodeJS.CallSite[] {
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
 * Returns patterns for the folders of this library; `url` is the address of this file. If core is installed, these are
 * the folders of all `@tasktree` packages. If core runs from its sources, the `src` and `dist` folders of the packages
 * beside it are added.
 */
function foldersOf(url: string | undefined): RegExp[] {
  const installed = /[\\/]node_modules[\\/]@tasktree[\\/]/
  const [, packages] = /^(.*)[\\/]core[\\/](?:src|dist)[\\/]/.exec(toPath(url ?? '')) ?? []
  if (packages === undefined || installed.test(`${packages}/`)) return [installed]
  const escaped = packages.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return [installed, new RegExp(`^${escaped}[\\\\/][a-z]+[\\\\/](?:src|dist)[\\\\/]`)]
}
