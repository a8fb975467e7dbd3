import type { Reaction } from './reaction.ts'

/**
 * Where each wait began: the lines of the program, the innermost first. A stack costs more than ten times as much as the
 * wait itself, so it is taken only after `captureAwaitSites(true)`, or in debug mode.
 *
 * A site is kept by the reaction of its wait. A frame that is the reaction of its own wait has the site of the newest.
 */
let sites: WeakMap<Reaction, readonly string[]> | null = null
let isCapturing = false
let siteOfYield: readonly string[] | null = null

/** The folders that hold packages of this library: frames in them are not the program's. */
const ownFolders = foldersOf(import.meta.url)
/** This package: a frame in it tells nobody anything. */
const inCore = /[\\/]core[\\/](?:src|dist)[\\/]/
/** How many frames are looked at, and how many of the program are kept. */
const depth = 30
const kept = 10

/**
 * From now on each wait notes the file and the line of its `await`, and `snapshot()` shows them as `at`. It costs about
 * ten microseconds for each wait. `false` ends it; what was noted stays. A loop in debug mode notes them too.
 *
 * @example
 *     captureAwaitSites(true)
 *     const task = createTask(main)
 *     await sleep(100)
 *     console.log(snapshot().loops[0]?.tasks[0]?.waitingOn[0]?.at) // /app/main.mjs:7
 */
export function captureAwaitSites(on: boolean): void {
  if (typeof on !== 'boolean') {
    throw new TypeError(`captureAwaitSites takes true or false, got ${typeof on}`)
  }
  isCapturing = on
}

/** Whether `captureAwaitSites(true)` was called. */
export function capturesAwaitSites(): boolean {
  return isCapturing
}

/** Notes where the wait that has just begun stands in the program. */
export function noteAwaitSite(reaction: Reaction): void {
  sites ??= new WeakMap()
  sites.set(reaction, siteOfYield ?? programFrames())
  siteOfYield = null
}

/** A generator is about to yield a future: its line is on the stack now, and no more when the wait begins. */
export function noteYieldSite(): void {
  siteOfYield = programFrames()
}

/** Where the wait of `reaction` began, the innermost line first; empty when that was not noted. */
export function awaitSiteOf(reaction: Reaction): readonly string[] {
  return sites?.get(reaction) ?? []
}

/**
 * The frames of the running code that belong to the program, as `file:line`, the innermost first. Where there is none,
 * because the program has handed a promise on without an `await`, the innermost frame of this library stands for them.
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
 * The stack, as V8 has it. Read in parts, because to read its text would call a `prepareStackTrace` of the program's.
 * Empty where Error is frozen.
 */
export function callSites(): readonly NodeJS.CallSite[] {
  const { stackTraceLimit, prepareStackTrace } = Error
  const holder: { stack?: unknown } = {}
  Reflect.set(Error, 'stackTraceLimit', depth)
  Reflect.set(Error, 'prepareStackTrace', (_: Error, each: NodeJS.CallSite[]) => each)
  try {
    Error.captureStackTrace(holder, callSites)
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : []
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
    Reflect.set(Error, 'prepareStackTrace', prepareStackTrace)
  }
}

/** Whether `file` belongs to the runtime or to this library. */
export function isForeign(file: string): boolean {
  return isRuntime(file) || isOwn(file)
}

function isRuntime(file: string): boolean {
  return file.startsWith('node:') || file.startsWith('evalmachine.') || file === ''
}

function isOwn(file: string): boolean {
  return ownFolders.some((folder) => folder.test(toPath(file)))
}

/** The path of a module that is named by its address. */
export function toPath(file: string): string {
  if (!file.startsWith('file://')) return file
  try {
    return decodeURIComponent(file.slice('file://'.length).replace(/^\/(?=[A-Za-z]:)/, ''))
  } catch {
    return file.slice('file://'.length)
  }
}

/** Of an installed package: all packages of its scope. Of the sources: all `src` folders beside its own. */
function foldersOf(url: string | undefined): RegExp[] {
  const installed = /[\\/]node_modules[\\/]@tasktree[\\/]/
  const [, packages] = /^(.*)[\\/]core[\\/](?:src|dist)[\\/]/.exec(toPath(url ?? '')) ?? []
  if (packages === undefined || installed.test(`${packages}/`)) return [installed]
  const escaped = packages.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return [installed, new RegExp(`^${escaped}[\\\\/][a-z]+[\\\\/](?:src|dist)[\\\\/]`)]
}
