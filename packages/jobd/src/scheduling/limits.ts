import type { Kind } from '../jobs/kind.ts'
import type { KindLimits, LimitChange, Rate } from '../jobs/kind-limits.ts'

/** The time of a rate for which no time was given, in milliseconds. */
const defaultPer = 1_000

function full(rate: Rate | null | undefined): Required<Rate> | null {
  return rate === undefined || rate === null
    ? null
    : { limit: rate.limit, per: rate.per ?? defaultPer }
}

/** Returns the limits in the definition of a kind. */
function limitsOf(kind: Kind<unknown> | undefined): KindLimits {
  return {
    concurrency: kind?.concurrency ?? null,
    rate: full(kind?.rate),
    groupConcurrency: kind?.groupConcurrency ?? 1,
    groupRate: full(kind?.groupRate),
  }
}

/**
 * Counts the running jobs and the latest starts of one kind or of one group.
 *
 * A job begins when its beginning is written to the jobs' file. Until that write has ended, the job counts as a job
 * that begins now. Otherwise a slow disk could bring two starts closer together than the rate allows.
 */
export class Gate {
  #running = 0
  #starting = 0
  /** The times at which the latest jobs began, the oldest first. Entries before the index `#first` are not valid any more. */
  #begun: number[] = []
  #first = 0

  /**
   * Returns when another job may begin: `now`, a later time, or Infinity while too many jobs run or are about to begin.
   */
  opensAt(concurrency: number | null, rate: Required<Rate> | null, now: number): number {
    if (concurrency !== null && this.#running >= concurrency) return Infinity
    if (rate === null) return now
    this.#forget(now - rate.per)
    const count = this.#begun.length - this.#first
    if (count + this.#starting < rate.limit) return now
    if (this.#starting >= rate.limit) return Infinity
    // Another job may begin when the time of the rate has passed since the beginning `last`.
    const last = this.#begun[this.#first + count + this.#starting - rate.limit] as number
    return last + rate.per
  }

  enter(): void {
    this.#running++
    this.#starting++
  }

  /** Called when the beginning of the job is written. */
  begin(now: number, isRated: boolean): void {
    this.#starting--
    if (isRated) this.#begun.push(now)
  }

  /** Called when the beginning of a job could not be written. */
  giveUp(): void {
    this.#starting--
  }

  leave(): void {
    this.#running--
  }

  /** Adds the beginning of a job that began before the server was started. */
  remember(at: number): void {
    this.#begun.push(at)
  }

  /** Whether no job runs, and no beginning is recent enough to delay another job. */
  isIdle(longest: number, now: number): boolean {
    this.#forget(now - longest)
    return this.#running === 0 && this.#begun.length === this.#first
  }

  #forget(before: number): void {
    while (this.#first < this.#begun.length && (this.#begun[this.#first] as number) <= before)
      this.#first++
    if (this.#first > 1_000 && this.#first * 2 > this.#begun.length) {
      this.#begun = this.#begun.slice(this.#first)
      this.#first = 0
    }
  }
}

/** Counts one job in the limits of its kind and of its group, from before its beginning until its end. */
export interface Place {
  /** Called when the beginning of the job is written. */
  begin(): void
  /** Called when the beginning of the job could not be written. `leave` must still be called. */
  giveUp(): void
  leave(): void
}

/** The limits of all kinds, and the jobs that count for them. */
export class Limits {
  readonly #kindOf: (name: string) => Kind<unknown> | undefined
  /** The limits that were given when the server was started. */
  readonly #given: Readonly<Record<string, LimitChange>>
  /** The limits that were changed while the server ran. They are stored in the jobs' file. */
  #changed: Record<string, LimitChange> = {}
  readonly #gates = new Map<string, Gate>()
  readonly #groups = new Map<string, Map<string, Gate>>()
  readonly #now: () => number

  constructor(
    kindOf: (name: string) => Kind<unknown> | undefined,
    given: Readonly<Record<string, LimitChange>>,
    now: () => number,
  ) {
    this.#kindOf = kindOf
    this.#given = given
    this.#now = now
  }

  of(kind: string): KindLimits {
    const { rate, groupRate, ...rest } = {
      ...limitsOf(this.#kindOf(kind)),
      ...this.#given[kind],
      ...this.#changed[kind],
    }
    return { ...rest, rate: full(rate), groupRate: full(groupRate) }
  }

  /** Changes the limits of a kind. If `change` is null, the kind has its limits from the start of the server again. */
  change(kind: string, change: LimitChange | null): void {
    if (change === null) delete this.#changed[kind]
    else this.#changed[kind] = { ...this.#changed[kind], ...change }
  }

  /** Returns the changed limits as they are stored in the jobs' file. */
  toString(): string {
    return JSON.stringify(this.#changed)
  }

  parse(text: string | null): void {
    this.#changed = JSON.parse(text ?? '{}') as Record<string, LimitChange>
  }

  /**
   * Adds the beginning of a job that began before the server was started. `at` is a time of the event loop's clock.
   */
  remember(kind: string, group: string | null, at: number): void {
    this.#gate(kind).remember(at)
    if (group !== null) this.#groupGate(kind, group).remember(at)
  }

  isRated(kind: string): boolean {
    const { rate, groupRate } = this.of(kind)
    return rate !== null || groupRate !== null
  }

  /** Returns when the limits of the kind let a job begin; Infinity if another job must end first. */
  opensAt(kind: string): number {
    const { concurrency, rate } = this.of(kind)
    return this.#gate(kind).opensAt(concurrency, rate, this.#now())
  }

  groupOpensAt(kind: string, group: string): number {
    const { groupConcurrency, groupRate } = this.of(kind)
    const gate = this.#groups.get(kind)?.get(group)
    return gate?.opensAt(groupConcurrency, groupRate, this.#now()) ?? this.#now()
  }

  enter(kind: string, group: string | null): Place {
    const gates = [this.#gate(kind), ...(group === null ? [] : [this.#groupGate(kind, group)])]
    const isRated = this.isRated(kind)
    const forget = (): void => this.#forgetIdle(kind, group)
    for (const gate of gates) gate.enter()
    return {
      begin: () => {
        for (const gate of gates) gate.begin(this.#now(), isRated)
      },
      giveUp: () => {
        for (const gate of gates) gate.giveUp()
      },
      leave: () => {
        for (const gate of gates) gate.leave()
        forget()
      },
    }
  }

  #gate(kind: string): Gate {
    let gate = this.#gates.get(kind)
    if (gate === undefined) this.#gates.set(kind, (gate = new Gate()))
    return gate
  }

  #groupGate(kind: string, group: string): Gate {
    let gates = this.#groups.get(kind)
    if (gates === undefined) this.#groups.set(kind, (gates = new Map()))
    let gate = gates.get(group)
    if (gate === undefined) gates.set(group, (gate = new Gate()))
    return gate
  }

  /** Forgets a group if it cannot delay a job any more, because a server may have millions of groups in its life. */
  #forgetIdle(kind: string, group: string | null): void {
    if (group === null) return
    const gates = this.#groups.get(kind)
    const { rate, groupRate } = this.of(kind)
    const longest = Math.max(rate?.per ?? 0, groupRate?.per ?? 0)
    if (gates?.get(group)?.isIdle(longest, this.#now()) === true) gates.delete(group)
  }

  /** Forgets all groups that cannot delay a job any more. */
  sweep(): void {
    for (const [kind, gates] of this.#groups)
      for (const group of gates.keys()) this.#forgetIdle(kind, group)
  }
}
