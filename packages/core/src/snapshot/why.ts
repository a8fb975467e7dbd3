import { describe } from '../arguments.ts'
import { currentTask } from '../context/current.ts'
import { awaitSiteOf } from '../futures/await-sites.ts'
import { durationText } from '../futures/duration-text.ts'
import type { Future } from '../futures/future.ts'
import { printable } from '../futures/printable.ts'
import { detailsOf, foreignPromise } from '../futures/wait-details.ts'
import { Task } from '../tasks/task.ts'
import { eachFrame, isOver, scopeOf } from './snapshot.ts'

/**
 * The text of `why` names at most `shownWaits` waits of one task. If each of many tasks waits for the next, it names at
 * most `shownLinks` of them.
 */
const shownWaits = 5
const shownLinks = 25

/**
 * Returns a sentence that says why `task` does not continue: the thing that the task waits for, the task that holds
 * this thing, the thing that the holder waits for, and so on.
 *
 * @throws {TypeError} when `task` is not a Task
 *
 * @example
 *     const holder = createTask(() => sleep(60_000), { name: 'migrate' })
 *     const worker = createTask(() => holder, { name: 'worker' })
 *     await sleep(1)
 *     console.log(why(worker))
 *     // for instance worker waits for task 'migrate', which sleeps for another 60 s
 *     holder.cancel()
 */
export function why(task: Task): string {
  if (!(task instanceof Task)) throw new TypeError(`why takes a Task, got ${describe(task)}`)
  return printable(`${task.name} ${new Explanation().ofTask(task)}`)
}

/**
 * Builds the sentence that `why` returns. Each task is explained once. Many tasks may each wait for the next. They are
 * visited in a loop and not by recursion, which would overflow the call stack.
 */
class Explanation {
  readonly #seen = new Set<Task>()

  ofTask(first: Task): string {
    let text = ''
    let task: Task | null = first
    while (task !== null) {
      if (this.#seen.has(task)) return `${text.slice(0, -', which '.length)}: a circle`
      if (this.#seen.size === shownLinks) return `${text}waits for more than is shown here`
      this.#seen.add(task)
      const waits = waitsOf(task)
      const [only] = waits
      if (waits.length !== 1 || only === undefined || !isBlocked(task)) {
        return text + this.#ofLast(task, waits)
      }
      const [clause, next] = explain(only.future)
      text += limitOf(task) + clause + place(only.at)
      if (next !== null) text += ', which '
      task = next
    }
    return text
  }

  /**
   * Returns the text about `task` with which the sentence of `why` ends, because `task` does not wait for exactly one
   * thing: it has ended, has not begun, is running or is ready to run, or it waits for no known thing or for several
   * things at the same time. If it waits for several things, each of the first `shownWaits` is explained as `ofTask`
   * explains a single thing.
   */
  #ofLast(task: Task, waits: readonly Wait[]): string {
    if (task.done()) return 'has ended'
    if (!task.started) return 'has not begun: its first turn is in the queue'
    if (task === currentTask()) return 'is running'
    if (waits.length === 0) return `${limitOf(task)}waits for ${foreignPromise.label}`
    if (waits.every(({ future }) => isOver(future))) {
      return 'is ready: what it waited for has ended, and its turn is in the queue'
    }
    const lines = waits.slice(0, shownWaits).map(({ future, at }) => {
      const [clause, next] = explain(future)
      return (
        clause +
        place(at) +
        (next === null || this.#seen.has(next) ? '' : `, which ${this.ofTask(next)}`)
      )
    })
    if (waits.length > shownWaits) lines.push(`… and ${waits.length - shownWaits} more`)
    return `${limitOf(task)}waits for ${waits.length} things at once: it ${lines.join('; and ')}`
  }
}

/**
 * Whether `task` cannot continue because it waits: the task has begun, it is not running, and a future that it waits on
 * is pending.
 */
function isBlocked(task: Task): boolean {
  if (task.done() || !task.started || task === currentTask()) return false
  return waitsOf(task).some(({ future }) => !isOver(future))
}

interface Wait {
  readonly future: Future<unknown>
  readonly at: string | undefined
}

function waitsOf(task: Task): Wait[] {
  const waits: Wait[] = []
  eachFrame(task, (frame) => {
    frame.peekWaits((key, future) => waits.push({ future, at: awaitSiteOf(key)[0] }))
  })
  return waits
}

/**
 * Describes a wait for the future `first`. In the result, `clause` is the text, as in "waits for gather(), which waits
 * for task 'a'". `next` is the task that must act before this wait can end: the awaited task, or the task that holds
 * the awaited lock. `next` is null if no such task is known.
 */
function explain(first: Future<unknown>): [clause: string, next: Task | null] {
  let clause = ''
  const seen = new Set<Future<unknown>>()
  for (let future: Future<unknown> | null = first; future !== null;) {
    const { label, note, text, next } = detailsOf(future)
    clause += text ?? `waits for ${label}${note === undefined ? '' : ` (${note})`}`
    const task: Task | null = next?.ownExecution()?.task ?? null
    // If `clause` does not contain the name of the task that must act, the name is added.
    if (task !== null) {
      const isNamed = future === task || clause.includes(`'${task.name}'`)
      return [isNamed ? clause : `${clause}, first task '${task.name}'`, task]
    }
    seen.add(future)
    future = next === undefined || next === null || seen.has(next) ? null : next
    if (future !== null) clause += ', which '
  }
  return [clause, null]
}

function place(at: string | undefined): string {
  return at === undefined ? '' : ` at ${at}`
}

/**
 * Returns a text about the scope around the code of `task` whose deadline is nearest; an empty text if no scope has a
 * deadline.
 */
function limitOf(task: Task): string {
  const execution = task.ownExecution()
  let name: string | null = null
  let nearest = Infinity
  const visit = (frame: Parameters<typeof scopeOf>[0]): void => {
    const scope = scopeOf(frame)
    if (scope?.deadline === undefined || scope.deadline >= nearest) return
    nearest = scope.deadline
    name = scope.name === undefined ? `a ${scope.kind}` : `${scope.kind} '${scope.name}'`
  }
  eachFrame(task, visit)
  for (let frame = execution.enclosing; frame !== null; frame = frame.enclosing) {
    visit(frame)
    if (frame.isShielded) break
  }
  if (name === null) return ''
  const left = nearest - task.getLoop().time()
  return left > 0
    ? `(in ${name as string}, which ends in ${durationText(left)}) `
    : `(in ${name as string}, whose time has passed) `
}
