/**
 * Tells when process groups have no living member left.
 *
 * The system tells a parent of the end of its own children only. The other members of a group must be looked for.
 * `kill(-group, 0)` costs 1 µs, but it also succeeds while a group consists of zombies: dead processes that their
 * parent has not collected. In a container whose first process does not collect dead processes, zombies stay for ever.
 * Only a walk through all of /proc tells zombies from living members, and that takes 10 µs per process of the machine.
 *
 * So one walk serves all watched groups, and finds one living member of each group. As long as this member lives, a
 * look at its group costs one `kill`, and at most the read of one small file. Only a group whose members change all the
 * time needs many walks. To limit their cost, a walk stops when it has used its share of the time of the event loop,
 * and continues later.
 *
 * Some systems have no /proc, and it cannot be read while the program has no free file descriptor. A group then counts
 * as alive as long as `kill` finds members, so no living member is taken for dead.
 */
import { isDead, readPids, readProcStat } from './proc-stat.ts'

interface Watch {
  readonly group: number
  readonly onGone: () => void
  /** The pid of a process of the group that was alive when it was last checked; null when no such process is known. */
  member: number | null
  /** The length of the current pause between two looks, in milliseconds. */
  pause: number
  nextLook: number
  looks: number
  /**
   * The number of complete walks that have found no living member since one was seen; a walk of a single step counts
   * two. From MISSES on, the group counts as gone.
   */
  misses: number
}

/**
 * Milliseconds before the first look at a group, and again after `hurry`. Each later pause between two looks is twice as
 * long as the pause before it, up to LAST_PAUSE.
 */
const FIRST_PAUSE = 5
const LAST_PAUSE = 80
/**
 * At every look, `kill` checks whether the group still has members. Once the pauses are as long as LAST_PAUSE, only
 * every fourth look also checks whether the remembered member is alive.
 */
const LOOKS_PER_MEMBER = 4
/**
 * When `misses` of a group reaches this number, the group counts as gone. A walk of several steps can miss a member
 * that is forked during the walk, so such a walk counts one, and another walk must confirm it. A walk of a single step
 * counts two.
 */
const MISSES = 2
/**
 * Walks may use this share of the time of the event loop: 150 ms of each second. After a long pause, a walk may use at
 * most BURST milliseconds at once.
 */
const SHARE = 0.15
const BURST = 20
/**
 * The timer for the next step of a walk is set so that the step may run for this many milliseconds. If a look at a
 * group is due earlier, the step runs with that look, for less time.
 */
const STEP = 2

const watches = new Set<Watch>()
let timer: NodeJS.Timeout | null = null
let walk: Walk | null = null

/** A watch of one group. It ends when no member of the group is alive. */
export interface GroupWatch {
  /** Makes the pauses between the looks short again. Called after the members were sent another signal. */
  hurry(): void
  stop(): void
}

/**
 * Calls `onGone` when no member of `group` is alive any more; at once if the group has no members, not even dead ones.
 */
export function watchGroup(group: number, onGone: () => void): GroupWatch {
  const watch: Watch = {
    group,
    onGone,
    member: null,
    pause: FIRST_PAUSE,
    nextLook: performance.now() + FIRST_PAUSE,
    looks: 0,
    misses: 0,
  }
  if (!hasMembers(group)) {
    onGone()
    return { hurry: () => {}, stop: () => {} }
  }
  watches.add(watch)
  schedule()
  return {
    hurry: () => {
      watch.pause = FIRST_PAUSE
      watch.nextLook = performance.now() + FIRST_PAUSE
      schedule()
    },
    stop: () => {
      watches.delete(watch)
      schedule()
    },
  }
}

/**
 * Returns the groups among `groups` that have a living member. This function blocks until it has read all of /proc, so
 * it is only used at the end of the program.
 */
export function livingGroups(groups: ReadonlySet<number>): Set<number> {
  const pids = readPids()
  if (pids === 'unknown') return withMembers(groups)
  const living = new Set<number>()
  for (const pid of pids) {
    const stat = readProcStat(pid)
    if (stat === 'unknown') return withMembers(groups)
    if (stat !== null && groups.has(stat.group) && !isDead(stat)) living.add(stat.group)
  }
  return living
}

function withMembers(groups: ReadonlySet<number>): Set<number> {
  return new Set([...groups].filter(hasMembers))
}

function schedule(): void {
  if (timer !== null) clearTimeout(timer)
  timer = null
  if (watches.size === 0) {
    walk = null
    return
  }
  const now = performance.now()
  let next = walk === null ? Infinity : now + walk.rest()
  for (const watch of watches) if (watch.nextLook < next) next = watch.nextLook
  // oxlint-disable-next-line eslint/no-restricted-globals -- processes live in real time, not in the time of a loop
  timer = setTimeout(onTimer, Math.max(1, next - now))
}

function onTimer(): void {
  const now = performance.now()
  let mustWalk = false
  for (const watch of watches) {
    if (watch.nextLook <= now) look(watch, now)
    mustWalk ||= watches.has(watch) && watch.member === null && process.platform === 'linux'
  }
  if (mustWalk) walk ??= new Walk()
  if (walk?.step() === true) finish(walk)
  schedule()
}

function look(watch: Watch, now: number): void {
  if (!hasMembers(watch.group)) return gone(watch)
  const isSettled = watch.pause === LAST_PAUSE && ++watch.looks % LOOKS_PER_MEMBER !== 0
  if (watch.member !== null && !isSettled) {
    const stat = readProcStat(watch.member)
    const isAlive = stat === 'unknown' || (stat?.group === watch.group && !isDead(stat))
    if (!isAlive) watch.member = null
  }
  watch.pause = Math.min(watch.pause * 2, LAST_PAUSE)
  watch.nextLook = now + watch.pause
}

function finish(done: Walk): void {
  walk = null
  for (const watch of watches) {
    // A watch that began during the walk is skipped, because the walk did not look for its group among all processes.
    if (watch.member !== null || !done.wanted.has(watch)) continue
    watch.member = done.found.get(watch.group) ?? null
    if (watch.member !== null) watch.misses = 0
    else if (done.isBlind) continue
    else if ((watch.misses += done.steps === 1 ? 2 : 1) >= MISSES) gone(watch)
    else walk ??= new Walk()
  }
}

function gone(watch: Watch): void {
  watches.delete(watch)
  watch.onGone()
}

/** One walk through all of /proc, in several steps. */
class Walk {
  readonly wanted: ReadonlySet<Watch> = new Set(watches)
  /** Maps each group that was found to one of its living members. */
  readonly found = new Map<number, number>()
  readonly #groups = new Set([...watches].map(({ group }) => group))
  readonly #pids: string[] = []
  steps = 0
  /** Whether a process could not be looked at. Then this walk may have missed a living member. */
  isBlind = false

  constructor() {
    const pids = readPids()
    if (pids === 'unknown') this.isBlind = true
    else this.#pids = pids
  }

  /** Returns the number of milliseconds to wait before the next step of this walk, so that it may run for STEP. */
  rest(): number {
    return Math.max(0, allowance.missing())
  }

  /** Continues the walk until it has used the time that walks may use now. Returns true when the walk is complete. */
  step(): boolean {
    this.steps++
    const start = performance.now()
    const end = start + allowance.take(start)
    let now = start
    while (this.#pids.length > 0 && now < end) {
      const pid = this.#pids.pop() as string
      const stat = readProcStat(pid)
      if (stat === 'unknown') this.isBlind = true
      else if (stat !== null && this.#groups.has(stat.group) && !isDead(stat))
        this.found.set(stat.group, Number(pid))
      now = performance.now()
    }
    allowance.give(end - now)
    return this.#pids.length === 0
  }
}

/** The milliseconds that walks may use. This number grows by SHARE of the time that passes, up to BURST. */
const allowance = {
  left: BURST,
  at: 0,
  take(now: number): number {
    const all = Math.min(BURST, this.left + (now - this.at) * SHARE)
    this.left = 0
    this.at = now
    return all
  },
  give(rest: number): void {
    this.left += rest
  },
  /**
   * Returns the number of milliseconds, from the last `take`, until walks may use STEP; negative if they may already.
   */
  missing(): number {
    return (STEP - this.left) / SHARE
  },
}

/** Whether a group has members, including dead processes that their parent has not collected. */
function hasMembers(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
