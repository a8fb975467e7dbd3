/**
 * What a run of a program did, and whether it kept the invariants.
 *
 * The interpreter tells the trace when each scope begins, is cancelled and ends, and when each wait begins and ends.
 * A wait knows the scopes that the program's text puts around it. The trace therefore needs nothing of the kernel's own
 * book-keeping, which is what it checks.
 *
 * Two events of one instant may come in either order, and so a rule that needs an order takes an instant as "perhaps":
 * a timeout whose deadline is now may have struck (I1), and it must have struck only when the clock is past it (reach).
 */
export type Rule =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'reach'
  | 'lost'
  | 'stands'
  | 'stuck'
  | 'early end'
  | 'left behind'

export interface Fault {
  rule: Rule
  text: string
}

export type ScopeKind = 'task' | 'timeout' | 'waitFor' | 'moveOnAfter' | 'group' | 'shielded'

/** One line of control of the program's text: the body of a task, a branch of `Promise.all`, or a call that nobody awaits. */
export class Flow {
  /** When it last got a CancelledError. A flow that code begins in its clean-up is clean-up too. */
  reachedTime: number

  constructor(beginner: Flow | null) {
    this.reachedTime = beginner?.reachedTime ?? -Infinity
  }

  /** It goes on after `branch`, and so it knows what the branch knows. */
  join(branch: Flow): void {
    this.reachedTime = Math.max(this.reachedTime, branch.reachedTime)
  }
}

/** One reason for which waits may be cancelled. A wait of a task with one flow uses it up. */
interface Strike {
  time: number
  order: number
}

/** One run of a scope of the program's text, or of a task. */
export class TracedScope {
  readonly name: string
  readonly kind: ScopeKind
  /** The scope around it; null for a task that nothing awaits. */
  readonly parent: TracedScope | null
  /** The task whose code it is. */
  readonly task: TracedScope
  /** The scope itself and those around it, from the inside out. Beyond a task that is awaited, they only pass their cancel on. */
  readonly chain: readonly TracedScope[]
  /** Of a plain task: the wait for it, which ends before the task when a cancelled scope is around that wait. */
  awaited: TracedWait | null = null
  /** Those of the chain whose frames are around this one: a task has its group's around it, and a plain task has none. */
  readonly frames: readonly TracedScope[]
  readonly beginTime: number
  readonly deadline: number
  /** `task.cancel()` on a task; the first failure of a group. */
  readonly strikes: Strike[] = []
  /** The deadline as one reason. */
  readonly #expiry: Strike
  /** For a group: whether a CancelledError that no scope around it explains ended its body. */
  bodyCancelled: Strike | null = null
  bodyEnded = false
  bodyEndOrder = Infinity
  bodyEndTime = Infinity
  /** The kernel says, or its outcome shows, that it was cancelled. */
  surelyStruck = false
  endOrder = Infinity
  endTime = Infinity
  /** Whether it threw a CancelledError. */
  letCancelGo = false
  /** A task whose outcome is the cancel, or a scope that let it go on: it was not lost. */
  endedCancelled = false
  /** Code inside has looked at the aborted signal, and has thrown its reason: that look is the delivery. */
  hasLooked = false
  /** Code inside has got the cancel from the signal. */
  hasLearnt = false
  /** For a task: whether its text has one flow of control, and what cancelled each of its waits. */
  readonly singleFlow: boolean
  readonly usedStrikes = new Set<Strike>()

  constructor(
    kind: ScopeKind,
    name: string,
    parent: TracedScope | null,
    now: number,
    options: { deadline?: number; singleFlow?: boolean; isChild?: boolean },
  ) {
    this.kind = kind
    this.name = name
    this.parent = parent
    this.beginTime = now
    this.task = kind === 'task' ? this : (parent as TracedScope).task
    this.chain = [this, ...(parent?.chain ?? [])]
    const isPlainTask = kind === 'task' && options.isChild !== true
    this.frames = isPlainTask ? [this] : [this, ...(parent?.frames ?? [])]
    this.deadline = options.deadline ?? Infinity
    this.singleFlow = options.singleFlow ?? false
    this.#expiry = { time: this.deadline, order: Infinity }
  }

  /** The reasons that may have cancelled its waits by `now`. */
  possibleStrikes(now: number): Strike[] {
    const strikes = [...this.strikes]
    if (this.bodyCancelled !== null) strikes.push(this.bodyCancelled)
    if (now >= this.deadline && this.endTime >= this.deadline) strikes.push(this.#expiry)
    return strikes
  }

  /** The instants after which none of the waits that were open then may go on to a result. */
  sureStrikeTimes(now: number): number[] {
    // The failure of a group's body cancels its tasks, and is the end of its own frame.
    const times =
      this.surelyStruck || this.kind === 'task' ? this.strikes.map(({ time }) => time) : []
    if (now > this.deadline && this.endTime > this.deadline) times.push(this.deadline)
    return times
  }
}

export type Outcome = 'open' | 'completed' | 'cancelled'

export interface TracedWait {
  readonly text: string
  readonly scope: TracedScope
  readonly flow: Flow
  /** When its flow had last got a CancelledError before it began. */
  readonly flowReachedTime: number
  /** The same object for all waits that begin before the microtask queue is empty. */
  readonly burst: object
  /** A wait for a task may complete after a cancel, as the task does. One with a signal is no wait of the library. */
  readonly on: 'future' | 'signal' | TracedScope
  readonly beginTime: number
  readonly beginOrder: number
  endTime: number
  endOrder: number
  outcome: Outcome
}

export class Trace {
  readonly faults: Fault[] = []
  readonly lines: string[] = []
  readonly waits: TracedWait[] = []
  readonly #now: () => number
  /** Each timer fires at its time. Otherwise timers fire late, and instants say nothing about the order. */
  readonly #exact: boolean
  #order = 0
  #burst: object | null = null
  /** When the main function returned: from then on every wait may be cancelled. */
  #closingOrder = Infinity
  readonly #scopes: TracedScope[] = []

  constructor(now: () => number, exact: boolean) {
    this.#now = now
    this.#exact = exact
  }

  fault(rule: Rule, text: string): void {
    this.faults.push({ rule, text: `${text} (at ${this.#time()} ms)` })
    this.#line(`FAULT ${rule}: ${text}`)
  }

  beginScope(
    kind: ScopeKind,
    parent: TracedScope | null,
    options: { ms?: number; name?: string; singleFlow?: boolean; isChild?: boolean } = {},
  ): TracedScope {
    const now = this.#now()
    const name = options.name ?? `${kind}#${this.#scopes.length + 1}`
    const scope = new TracedScope(kind, name, parent, now, {
      singleFlow: options.singleFlow ?? false,
      isChild: options.isChild ?? false,
      ...(options.ms === undefined ? {} : { deadline: now + options.ms }),
    })
    this.#scopes.push(scope)
    const inside = parent === null ? '' : ` in ${parent.name}`
    this.#line(`${name}${options.ms === undefined ? '' : `(${options.ms})`} begins${inside}`)
    return scope
  }

  /** `struck` says whether the scope was certainly cancelled. */
  endScope(scope: TracedScope, struck: boolean, how: string): void {
    scope.endOrder = this.#order++
    scope.endTime = this.#now()
    scope.letCancelGo = how === 'CancelledError'
    scope.endedCancelled = scope.letCancelGo || how === 'cancelled'
    scope.surelyStruck = struck || (this.#exact && this.#now() > scope.deadline)
    this.#line(`${scope.name} ends: ${how}`)
  }

  strike(scope: TracedScope, how: string): void {
    scope.strikes.push({ time: this.#now(), order: this.#order++ })
    if (scope.kind === 'task') scope.surelyStruck = true
    this.#line(`${scope.name} ${how}`)
  }

  /** The body of a group threw CancelledError: the group cancels its tasks, which is a reason of its own if there is no other. */
  groupBodyCancelled(scope: TracedScope): void {
    for (const outer of scope.chain) {
      if (outer.possibleStrikes(this.#now()).length > 0) return
    }
    scope.bodyCancelled = { time: this.#now(), order: this.#order++ }
  }

  bodyEnds(scope: TracedScope): void {
    scope.bodyEndOrder = this.#order++
    scope.bodyEndTime = this.#now()
    this.#line(`the body of ${scope.name} ends`)
  }

  /** Code of `flow` gets a cancel. */
  reach(flow: Flow): void {
    flow.reachedTime = this.#now()
  }

  #currentBurst(): object {
    if (this.#burst === null) {
      this.#burst = {}
      process.nextTick(() => {
        this.#burst = null
      })
    }
    return this.#burst
  }

  begin(
    text: string,
    { scope, flow }: { scope: TracedScope; flow: Flow },
    on: TracedWait['on'] = 'future',
  ): TracedWait {
    const wait: TracedWait = {
      text,
      scope,
      flow,
      flowReachedTime: flow.reachedTime,
      burst: this.#currentBurst(),
      on,
      beginTime: this.#now(),
      beginOrder: this.#order++,
      endTime: Infinity,
      endOrder: Infinity,
      outcome: 'open',
    }
    this.waits.push(wait)
    this.#line(`${text} begins in ${scope.name}`)
    return wait
  }

  end(wait: TracedWait, outcome: 'completed' | 'cancelled'): void {
    wait.outcome = outcome
    wait.endTime = this.#now()
    wait.endOrder = this.#order++
    this.#line(`${wait.text} ${outcome} in ${wait.scope.name}`)
    if (outcome === 'cancelled') {
      this.reach(wait.flow)
      if (wait.on === 'signal') for (const scope of wait.scope.chain) scope.hasLearnt = true
      this.#checkCancelled(wait)
    } else this.#checkCompleted(wait)
  }

  #checkCancelled(wait: TracedWait): void {
    if (this.#closingOrder < Infinity) return
    // A timer of the platform may fire a millisecond before the clock shows its time.
    const now = this.#now() + (this.#exact ? 0 : 1.5)
    const strikes: Strike[] = []
    let level = false
    // The task that it waits for may have been cancelled by itself.
    const { chain } = typeof wait.on === 'string' ? wait.scope : wait.on
    for (const scope of chain) {
      const possible = scope.possibleStrikes(now)
      strikes.push(...possible)
      if (scope.kind === 'moveOnAfter' && possible.length > 0) level = true
    }
    const { task } = wait.scope
    if (strikes.length === 0) {
      this.fault('I1', `${describe(wait)} was cancelled, and nothing around it was`)
    } else if (task.singleFlow && !level) {
      const unused = strikes.find((strike) => !task.usedStrikes.has(strike))
      if (unused !== undefined) task.usedStrikes.add(unused)
      else {
        const count = strikes.length === 1 ? 'one cancel' : `${strikes.length} cancels`
        this.fault('I3', `${describe(wait)} was cancelled after ${count} had been delivered`)
      }
    }
  }

  #checkCompleted(wait: TracedWait): void {
    for (const scope of wait.on === 'signal' ? [] : wait.scope.frames) {
      if (scope.surelyStruck && scope.endOrder < wait.beginOrder) {
        const text = `${describe(wait)} began after the cancelled ${scope.name} had ended, and completed`
        this.fault('I2', text)
      } else if (this.#exact && scope.surelyStruck && scope.endTime < wait.endTime) {
        const text = `the cancelled ${scope.name} ended while ${describe(wait)} went on to complete`
        this.fault('early end', text)
      }
    }
    if (this.#exact && typeof wait.on === 'string' && wait.endOrder < this.#closingOrder)
      this.#checkReach(wait)
  }

  #checkReach(wait: TracedWait): void {
    // A task that is awaited is cancelled by what cancels the wait for it, until the task has ended.
    // The signal of a scope that has ended does not abort any more.
    let end = wait.on === 'signal' ? wait.scope.endTime : Infinity
    for (const scope of wait.scope.chain) {
      // A shield keeps out the cancels from outside.
      if (scope.kind === 'shielded') return
      const missed = scope
        .sureStrikeTimes(wait.endTime)
        .find((time) => wait.beginTime < time && time < Math.min(end, wait.endTime, scope.endTime))
      if (missed !== undefined) {
        const text = `${describe(wait)} completed, though ${scope.name} was cancelled at ${missed} ms`
        this.fault('reach', text)
      }
      // As in asyncio, a cancel from outside a group may reach its tasks no sooner than the group's body has ended.
      if (scope.kind === 'task' && scope.awaited === null) return
      if (scope.kind === 'task') end = Math.min(end, scope.endTime, scope.awaited?.endTime ?? 0)
    }
  }

  /**
   * Called when `task` has not ended. In `patience` milliseconds, each wait with an end has ended. So if the last cancel of
   * the task came longer ago, only waits without an end are left. A flow that has got the cancel may wait without an end, because it swallows the cancel. But a task must not wait only for
   * flows that have not got the cancel. The limits that docs/design/kernel.md lists are not judged.
   */
  checkStuck(task: TracedScope, patience: number): void {
    const strike = task.strikes.at(-1)
    if (strike === undefined || this.#now() - strike.time < patience) return
    if (task.hasLooked || task.hasLearnt) return
    const inside = this.waits.filter((wait) => wait.scope.chain.includes(task))
    const open = inside.filter((wait) => wait.outcome === 'open')
    const isMissed = (wait: TracedWait): boolean =>
      wait.on === 'future' &&
      wait.scope.task === task &&
      wait.flow.reachedTime < strike.time &&
      isReachable(wait, task)
    if (open.length === 0 || !open.every(isMissed)) return
    // The task may have waited for another task, which has swallowed the cancel.
    const isSwallowed = ({ on, outcome, endTime }: TracedWait): boolean =>
      typeof on !== 'string' && outcome === 'completed' && endTime >= strike.time
    if (inside.some(isSwallowed)) return
    // A flow that cleans up counts as the body, until the body has ended. The end of a scope may wait too.
    const isCleanUp = (wait: TracedWait): boolean => wait.flowReachedTime >= strike.time
    const isLate = (scope: TracedScope): boolean =>
      scope !== task && scope.chain.includes(task) && scope.endTime >= strike.time
    if (task.bodyEndTime === Infinity && (inside.some(isCleanUp) || this.#scopes.some(isLate)))
      return
    const waits = open.map(describe).join(' and ')
    this.fault('stuck', `${task.name} was cancelled at ${strike.time} ms, and waits for ${waits}`)
  }

  /** The main function is about to return. */
  closing(): void {
    this.#closingOrder = this.#order++
    this.#line('main returns')
  }

  /** The run has settled, and everything that was woken by its end has run. */
  settled(): void {
    for (const wait of this.waits) {
      if (wait.on === 'signal') continue
      if (wait.outcome === 'open' && wait.beginOrder < this.#closingOrder) {
        this.fault('left behind', `${describe(wait)} is still open after the run has settled`)
      }
    }
    if (!this.#exact) return
    this.#checkLostCancels()
    for (const scope of this.#scopes) this.#checkStanding(scope)
  }

  /**
   * When the body of a cancelled scope has ended, a wait of a flow that has not got the cancel ends. (`reach` looks at
   * waits that had begun before the cancel came.)
   */
  #checkStanding(scope: TracedScope): void {
    if (scope.kind === 'group' || scope.kind === 'shielded') return
    if (scope.bodyEndOrder >= this.#closingOrder) return
    const strike = Math.min(...scope.sureStrikeTimes(Infinity))
    if (strike >= scope.bodyEndTime) return
    for (const wait of this.waits) {
      const isOpen = wait.beginOrder < scope.bodyEndOrder && wait.endOrder > scope.bodyEndOrder
      if (!isOpen || wait.beginTime <= strike || wait.endTime <= scope.bodyEndTime) continue
      if (wait.on !== 'future' || wait.scope.task !== scope.task) continue
      if (!isReachable(wait, scope) || wait.flowReachedTime >= strike) continue
      // The wait is refused, which takes time.
      if (wait.scope.frames.some((outer) => outer.endOrder < wait.beginOrder)) continue
      const text = `${describe(wait)} goes on after the body of the cancelled ${scope.name} has ended`
      this.fault('stands', text)
    }
  }

  /** A cancel that finds no wait in its scope cancels the next one that begins there. */
  #checkLostCancels(): void {
    for (const scope of this.#scopes) {
      if (scope.kind === 'group') continue
      for (const time of scope.sureStrikeTimes(Infinity)) this.#checkLost(scope, time)
    }
  }

  #checkLost(scope: TracedScope, time: number): void {
    if (time >= scope.endTime || scope.hasLooked) return
    // The wait of a group for its tasks is a wait too, and is not in the trace. A shield keeps the cancel out.
    const hasGroup = this.#scopes.some(
      (inner) =>
        (inner.kind === 'group' || inner.kind === 'shielded') &&
        inner.chain.includes(scope) &&
        inner.beginTime <= time &&
        time <= inner.endTime,
    )
    if (hasGroup) return
    const inside = this.waits.filter(
      (wait) => wait.scope.frames.includes(scope) && isReachable(wait, scope),
    )
    if (inside.some((wait) => wait.beginTime <= time && time <= wait.endTime)) return
    const next = inside.find((wait) => wait.beginTime > time)
    if (next === undefined || next.scope.task !== scope.task) return
    // A CancelledError that leaves a scope inside takes the cancel with it.
    const isTaken = this.#scopes.some(
      (inner) =>
        inner.letCancelGo &&
        inner !== scope &&
        inner.chain.includes(scope) &&
        inner.endTime >= time &&
        inner.endOrder < next.beginOrder,
    )
    if (isTaken) return
    if (next.outcome === 'cancelled') this.#checkTogether(scope, time, next, inside)
    if (next.outcome !== 'completed' || scope.endedCancelled) return
    // Of two flows that begin to wait at one instant, either may take it.
    const together = inside.filter((wait) => wait.beginTime === next.beginTime)
    if (together.some((wait) => wait.outcome === 'cancelled')) return
    if (next.endOrder > this.#closingOrder || next.beginOrder > scope.endOrder) return
    const text = `${scope.name} was cancelled at ${time} ms outside any wait, and the next wait, ${describe(next)}, completed`
    this.fault('lost', text)
  }

  /** A cancel that was remembered ends all waits that begin together: those of the branches of a `Promise.all`. */
  #checkTogether(scope: TracedScope, time: number, next: TracedWait, inside: TracedWait[]): void {
    for (const wait of inside) {
      if (wait.burst !== next.burst || wait.beginOrder < next.beginOrder) continue
      if (wait.on !== 'future' || wait.outcome !== 'completed' || wait.flowReachedTime >= time)
        continue
      if (wait.endOrder > this.#closingOrder) continue
      const text = `${scope.name} was cancelled at ${time} ms outside any wait. ${describe(next)} took the cancel, and ${describe(wait)} completed`
      this.fault('lost', text)
    }
  }

  #time(): number {
    return this.#exact ? this.#now() : Math.round(this.#now())
  }

  #line(text: string): void {
    this.lines.push(`${String(this.#time()).padStart(4)}  ${text}`)
  }
}

/** Whether a cancel of `scope` may end `wait`: no shield is between the two. */
function isReachable(wait: TracedWait, scope: TracedScope): boolean {
  const { chain } = wait.scope
  const index = chain.indexOf(scope)
  return index !== -1 && chain.slice(0, index).every(({ kind }) => kind !== 'shielded')
}

function describe(wait: TracedWait): string {
  const path = wait.scope.chain.map(({ name }) => name).toReversed()
  return `${wait.text} (begun at ${Math.round(wait.beginTime)} ms in ${path.join(' > ')})`
}
