import { checkOptions } from '../arguments.ts'
import { checkLoop, getEventLoop } from '../context/current.ts'
import { describeWait } from '../futures/describe-wait.ts'
import { printable } from '../futures/printable.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Task } from './task.ts'

/**
 * Makes the text of `formatTaskTree`: the tree of the tasks of a loop, without those that are done. A program may have
 * a million tasks, but the text is for people. So the tree is built in linear time, without recursion, and cut to a
 * size that fits on a few screens.
 */

// The limits of the text of `formatTaskTree`.

/** The text shows this many of the tasks that one task has created, or one more if then none is left out. */
const shownSiblings = 10
/** The text shows at most this many levels of the tree. Each task is one level below the task that created it. */
const shownLevels = 40
/** After this many lines, or one more, the text ends with a line that says how many tasks are left out. */
const shownLines = 200
/** The text shows at most this many of the futures that one task waits on. */
const shownWaits = 5

/**
 * Returns a text that shows the tasks of a loop, without those that are done: each task under the task that created it,
 * with its state and the futures that it waits on. If there are very many tasks, some are left out, and the text says
 * how many.
 *
 * @throws {TypeError} when `options` is not an object, or its `loop` is not an EventLoop
 *
 * @example
 *     createTask(() => sleepForever(), { name: 'poller' })
 *     await sleep(1)
 *     console.log(formatTaskTree().includes('poller')) // true
 */
export function formatTaskTree(options?: { loop?: EventLoop }): string {
  checkOptions(options)
  if (options?.loop !== undefined) checkLoop(options.loop)
  return new TreePrinter(options?.loop ?? getEventLoop()).print()
}

/**
 * A list of siblings: the tasks that one task has created. A further list holds the tasks at the top of the tree: no
 * task of this loop has created them, or their creator is done.
 */
interface Siblings {
  /**
   * The siblings, the oldest last. If there are many siblings, this list holds only the oldest of them, at least one
   * more than the text shows.
   */
  readonly oldest: Task[]
  /** The number of all siblings, even those outside of `oldest`, plus the number of all tasks below all siblings. */
  count: number
}

/** A line of the text that is still to be written. */
interface Entry {
  /** The task of the line; null for the line "… and 7 more", which says how many tasks are left out. */
  readonly task: Task | null
  readonly left: number
  readonly level: number
  readonly indent: string
  readonly isLast: boolean
}

class TreePrinter {
  readonly #siblings = new Map<Task | null, Siblings>()
  readonly #lines: string[] = []
  #total = 0
  #shown = 0

  constructor(loop: EventLoop) {
    // A task is younger than its parent. The tasks are visited from the youngest on. So when a task is visited, all
    // tasks below it have been counted.
    loop.tasks.each((task) => this.#add(task))
  }

  #add(task: Task): void {
    this.#total++
    const parent = liveParent(task)
    const siblings = this.#siblings.get(parent)
    if (siblings === undefined) {
      this.#siblings.set(parent, { oldest: [task], count: this.#countOf(task) })
      return
    }
    siblings.oldest.push(task)
    siblings.count += this.#countOf(task)
    // One sibling more than `shownSiblings` is kept. If it is the only sibling that would be left out, `print` shows
    // this sibling in place of the line "… and 1 more". The list may grow to twice that size before it is cut, because
    // each cut moves the entries.
    if (siblings.oldest.length > 2 * shownSiblings + 2) {
      siblings.oldest.splice(0, siblings.oldest.length - shownSiblings - 1)
    }
  }

  print(): string {
    if (this.#total === 0) return 'no tasks'
    const entries = this.#entriesBelow(null, 0, '')
    for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
      if (this.#lines.length >= shownLines) {
        this.#lines.push(more(this.#total - this.#shown))
        break
      }
      this.#write(entry)
      const { task, level } = entry
      if (task === null) continue
      const indent = indentBelow(entry)
      const below = this.#countBelow(task)
      if (level + 1 < shownLevels) entries.push(...this.#entriesBelow(task, level + 1, indent))
      else if (below > 0) {
        this.#shown += below
        this.#lines.push(`${indent}└─ ${more(below)}`)
      }
    }
    return this.#lines.join('\n')
  }

  #write({ task, left, level, indent, isLast }: Entry): void {
    const branch = level === 0 ? '' : isLast ? '└─ ' : '├─ '
    this.#shown += task === null ? left : 1
    this.#lines.push(
      indent +
        branch +
        (task === null ? more(left) : `${printable(task.name)}  ${printable(stateOf(task))}`),
    )
  }

  /**
   * Returns the lines for the children of `parent`. The line of the last child comes first, because `print` takes lines
   * from the end of its list.
   */
  #entriesBelow(parent: Task | null, level: number, indent: string): Entry[] {
    const siblings = this.#siblings.get(parent)
    if (siblings === undefined) return []
    const { oldest, count } = siblings
    let shown = oldest.slice(-shownSiblings - 1)
    if (shown.length > shownSiblings && !this.#areAll(shown, count)) shown = shown.slice(1)
    let left = count
    for (const task of shown) left -= this.#countOf(task)
    const entries = shown.map<Entry>((task, i) => {
      return { task, left: 0, level, indent, isLast: left === 0 && i === 0 }
    })
    if (left > 0) entries.unshift({ task: null, left, level, indent, isLast: true })
    return entries
  }

  /** Whether `tasks` and all tasks below them are exactly `count` tasks. If so, no task is left out. */
  #areAll(tasks: readonly Task[], count: number): boolean {
    return tasks.reduce((sum, task) => sum + this.#countOf(task), 0) === count
  }

  #countBelow(task: Task): number {
    return this.#siblings.get(task)?.count ?? 0
  }

  /** Returns the number of tasks below `task`, plus one for `task` itself. */
  #countOf(task: Task): number {
    return 1 + this.#countBelow(task)
  }
}

/** Returns the task that created `task`, if the creator is not done and belongs to the same loop; otherwise null. */
function liveParent(task: Task): Task | null {
  const { parent } = task
  return parent !== null && !parent.done() && parent.getLoop() === task.getLoop() ? parent : null
}

function indentBelow({ level, indent, isLast }: Entry): string {
  return indent + (level === 0 ? ' ' : isLast ? '   ' : '│  ')
}

function more(count: number): string {
  return `… and ${count.toLocaleString('en')} more`
}

function stateOf(task: Task): string {
  const cancelling = task.cancelling() > 0 ? ', cancelling' : ''
  if (!task.started) return `not started${cancelling}`
  const waits = [...task.waitingOn]
  if (waits.length === 0) return `running or awaiting a foreign promise${cancelling}`
  const names = waits.slice(0, shownWaits).map(describeWait)
  if (waits.length > shownWaits) names.push(more(waits.length - shownWaits))
  return `waiting on ${names.join(', ')}${cancelling}`
}
