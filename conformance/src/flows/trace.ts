/**
 * Records what a run of a program did, and checks the rules of cancellation that the README lists.
 *
 * The interpreter tells the trace when each scope begins, is cancelled and ends, and when each wait begins and ends.
 * A wait knows the scopes that the program's text puts around it. So the trace needs no data of the kernel, which is the code
 * that it checks.
 *
 * A "strike" is a reason for which waits may be cancelled: a `task.cancel()`, the failure of a group, or a deadline.
 *
 * Two events at one instant may come in either order. So at the instant of a deadline the rules judge only what both orders
 * forbid: a timeout whose deadline is now may have struck (rule I1), and it must have struck only when the clock is past the
 * deadline (rule reach).
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

/** One flow of control of the program: the body of a task, a branch of `Promise.all`, or a call that no code awaits. */
export class Flow {
  /**
   * The time at which the flow last got a CancelledError. A new flow begins with the time of the flow that began it, because a
   * flow that is begun by clean-up code is clean-up code too.
   */
  reachedTime: number

  constructor(beginner: Flow | null) {
    this.reachedTime = beginner?.reachedTime ?? -Infinity
  }

  /** This flow goes on after `branch` has ended. If the branch got a cancel, this flow knows of the cancel too. */
  join(branch: Flow): void {
    this.reachedTime = Math.max(this.reachedTime, branch.reachedTime)
  }
}

/** One reason for which waits may be cancelled. In a task with a single flow, a wait that is cancelled uses one strike up. */
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
  /** The task whose code contains this scope. */
  readonly task: TracedScope
  /**
   * This scope and the scopes around it, from the inside out. It includes the scopes around the wait for an awaited task: these
   * reach the task only because a cancel of that wait is passed on to the task.
   */
  readonly chain: readonly TracedScope[]
  /**
   * If this is an awaited task outside of a group: the wait for the task. When a scope around that wait is cancelled, the wait
   * ends before the task.
   */
  awaited: TracedWait | null = null
  /**
   * This scope and the scopes of `chain` that cancel its code directly. For a task of a group, the group is
   * among them. For a task that belongs to no group, only this scope is.
   */
  readonly frames: readonly TracedScope[]
  readonly beginTime: number
  readonly deadline: number
  /** The strikes by a call: `cancel()` on a task, or the first failure of a group. The deadline is not among them. */
  readonly strikes: Strike[] = []
  /** The strike by the deadline. */
  readonly #expiry: Strike
  /** For a group: the strike by a CancelledError that ended the group's body, and that no scope around the group explains. */
  bodyCancelled: Strike | null = null
  bodyEnded = false
  bodyEndOrder = Infinity
  bodyEndTime = Infinity
  /** Whether this scope was certainly cancelled: the kernel says so, or the outcome of the scope shows it. */
  surelyStruck = false
  endOrder = Infinity
  endTime = Infinity
  /** Whether this scope threw a CancelledError. */
  letCancelGo = false
  /** Whether the task ended as cancelled, or the scope threw the CancelledError. Then the cancel was not lost. */
  endedCancelled = false
  /**
   * Whether code inside this scope has found the AbortSignal of the scope aborted, and has thrown because of it. The cancel has then
   * arrived, although no wait was cancelled.
   */
  hasLooked = false
  /** Whether the AbortSignal of the scope has ended a wait inside this scope. */
  hasLearnt = false
  /** For a task: whether its code has only one flow of control. */
  readonly singleFlow: boolean
  /** For a task: the strikes that its cancelled waits have used up. */
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

  /** Returns the strikes of this scope that may have cancelled waits by `now`. */
  possibleStrikes(now: number): Strike[] {
    const strikes = [...this.strikes]
    if (this.bodyCancelled !== null) strikes.push(this.bodyCancelled)
    if (now >= this.deadline && this.endTime >= this.deadline) strikes.push(this.#expiry)
    return strikes
  }

  /** Returns the times at which this scope was certainly cancelled. A wait that is open at such a time must not complete later. */
  sureStrikeTimes(now: number): number[] {
    // The failure of a group's body cancels the group's tasks. The body itself has ended by then, so it is not cancelled.
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
  /** The time at which the wait's flow had last got a CancelledError before the wait began. */
  readonly flowReachedTime: number
  /** The same object for all waits that begin before the queue of microtasks becomes empty. */
  readonly burst: object
  /**
   * What the wait is for: a future of Tasktree, a promise that rejects when a signal aborts, or a task. A wait for a task may
   * complete after a cancel, if the task completes.
   */
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
  /** Whether each timer fires exactly at its time. Otherwise timers fire late, and times say nothing about the order of events. */
  readonly #exact: boolean
  #order = 0
  #burst: object | null = null
  /** The place of the main function's return in the order of events. After it, every wait may be cancelled. */
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

  /**
   * Called when the body of a group has thrown a CancelledError. The group then cancels its tasks. This is a strike of its own,
   * unless another strike explains the CancelledError.
   */
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

  /** Called when code of `flow` gets a cancel. */
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
    // If this is a wait for a task, the cancel may have been a cancel of that task.
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
    // A cancel of the wait for a task cancels that task, until the task has ended.
    // After a scope has ended, its signal does not abort any more.
    let end = wait.on === 'signal' ? wait.scope.endTime : Infinity
    for (const scope of wait.scope.chain) {
      // A shield keeps the cancels of the scopes outside of it away.
      if (scope.kind === 'shielded') return
      const missed = scope
        .sureStrikeTimes(wait.endTime)
        .find((time) => wait.beginTime < time && time < Math.min(end, wait.endTime, scope.endTime))
      if (missed !== undefined) {
        const text = `${describe(wait)} completed, though ${scope.name} was cancelled at ${missed} ms`
        this.fault('reach', text)
      }
      // As in asyncio, a cancel from outside of a group may reach the group's tasks only after the group's body has ended.
      if (scope.kind === 'task' && scope.awaited === null) return
      if (scope.kind === 'task') end = Math.min(end, scope.endTime, scope.awaited?.endTime ?? 0)
    }
  }

  /**
   * Called when `task` has not ended. Each wait that ends by itself takes less than `patience` milliseconds. So if the last
   * cancel of the task is longer ago, only waits without an end are left. A flow that has got the cancel may wait without an
   * end, because its code swallows the cancel. But a cancelled task must not wait only for flows that have not got the cancel.
   * This check does not judge the limits that docs/design/kernel.md lists.
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
    // The task may have waited for another task, and that task may have swallowed the cancel.
    const isSwallowed = ({ on, outcome, endTime }: TracedWait): boolean =>
      typeof on !== 'string' && outcome === 'completed' && endTime >= strike.time
    if (inside.some(isSwallowed)) return
    // While the body of the task runs, the cancel may be late without a fault in two cases: a flow has got the cancel and waits in
    // its clean-up, or an inner scope had not ended when the cancel came.
    const isCleanUp = (wait: TracedWait): boolean => wait.flowReachedTime >= strike.time
    const isLate = (scope: TracedScope): boolean =>
      scope !== task && scope.chain.includes(task) && scope.endTime >= strike.time
    if (task.bodyEndTime === Infinity && (inside.some(isCleanUp) || this.#scopes.some(isLate)))
      return
    const waits = open.map(describe).join(' and ')
    this.fault('stuck', `${task.name} was cancelled at ${strike.time} ms, and waits for ${waits}`)
  }

  /** Called when the main function is about to return. */
  closing(): void {
    this.#closingOrder = this.#order++
    this.#line('main returns')
  }

  /** Called when the run has settled, and all code that its end woke has run. */
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
   * Checks the rule `stands`: when the body of a cancelled scope has ended, each wait of a flow that has not got the cancel ends
   * too. (The rule `reach` looks at the waits that had begun before the cancel.)
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
      // The wait began after a scope around it had ended. The kernel refuses such a wait, but not at once.
      if (wait.scope.frames.some((outer) => outer.endOrder < wait.beginOrder)) continue
      const text = `${describe(wait)} goes on after the body of the cancelled ${scope.name} has ended`
      this.fault('stands', text)
    }
  }

  /** Checks the rule `lost`: a cancel that finds no wait in its scope must cancel the next wait that begins there. */
  #checkLostCancels(): void {
    for (const scope of this.#scopes) {
      if (scope.kind === 'group') continue
      for (const time of scope.sureStrikeTimes(Infinity)) this.#checkLost(scope, time)
    }
  }

  #checkLost(scope: TracedScope, time: number): void {
    if (time >= scope.endTime || scope.hasLooked) return
    // A group's wait for its tasks may have taken the cancel, and is not in the trace. A shield may have kept the cancel out.
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
    // If a scope inside threw a CancelledError, then that error delivered the cancel.
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
    // If two flows begin to wait at one instant, either of them may take the cancel.
    const together = inside.filter((wait) => wait.beginTime === next.beginTime)
    if (together.some((wait) => wait.outcome === 'cancelled')) return
    if (next.endOrder > this.#closingOrder || next.beginOrder > scope.endOrder) return
    const text = `${scope.name} was cancelled at ${time} ms outside any wait, and the next wait, ${describe(next)}, completed`
    this.fault('lost', text)
  }

  /** A remembered cancel must end all waits that begin together, for example in the branches of one `Promise.all`. */
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

/** Whether a cancel of `scope` may end `wait`: the wait is inside the scope, and no shield is between the two. */
function isReachable(wait: TracedWait, scope: TracedScope): boolean {
  const { chain } = wait.scope
  const index = chain.indexOf(scope)
  return index !== -1 && chain.slice(0, index).every(({ kind }) => kind !== 'shielded')
}

function describe(wait: TracedWait): string {
  const path = wait.scope.chain.map(({ name }) => name).toReversed()
  return `${wait.text} (begun at ${Math.round(wait.beginTime)} ms in ${path.join(' > ')})`
}
