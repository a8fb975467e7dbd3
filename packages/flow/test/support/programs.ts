import { getEventLoop, sleep, timeout } from '@tasktree/core'
import {
  CircuitBreaker,
  constant,
  debounce,
  exhaust,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  poll,
  queued,
  retry,
  singleFlight,
  throttle,
} from '@tasktree/flow'
import * as fc from 'fast-check'

/** A random program made of this package's functions. */
export type Program =
  | { readonly kind: 'sleep' | 'foreign' | 'fail'; readonly ms: number }
  | { readonly kind: 'cleanUp'; readonly ms: number; readonly body: Program }
  | { readonly kind: 'timeout'; readonly ms: number; readonly body: Program }
  | {
      readonly kind: 'map' | 'forEach'
      readonly concurrency: number
      readonly stopOnError: boolean
      readonly isAsync: boolean
      readonly bodies: readonly Program[]
    }
  | {
      readonly kind: 'mapStream'
      readonly concurrency: number
      readonly ordered: boolean
      readonly leaveAfter: number
      readonly bodies: readonly Program[]
    }
  | {
      readonly kind: 'retry'
      readonly attempts: number
      readonly limit: number
      readonly body: Program
    }
  | { readonly kind: 'hedge'; readonly ms: number; readonly body: Program }
  | { readonly kind: 'poll'; readonly times: number; readonly body: Program }
  | { readonly kind: 'breaker'; readonly body: Program }
  | {
      readonly kind: 'queued' | 'latest' | 'exhaust' | 'singleFlight' | 'debounce' | 'throttle'
      readonly body: Program
    }

export const program: fc.Arbitrary<Program> = fc.letrec<{ program: Program }>((tie) => {
  const ms = fc.nat({ max: 12 })
  const body = tie('program')
  const bodies = fc.array(body, { maxLength: 4 })
  const concurrency = fc.constantFrom(1, 2, 3, Infinity)
  const leaf = fc.record({ kind: fc.constantFrom('sleep', 'foreign', 'fail'), ms })
  return {
    program: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      leaf,
      fc.record({ kind: fc.constant('cleanUp'), ms, body }),
      fc.record({ kind: fc.constant('timeout'), ms, body }),
      fc.record({
        kind: fc.constantFrom('map', 'forEach'),
        concurrency,
        stopOnError: fc.boolean(),
        isAsync: fc.boolean(),
        bodies,
      }),
      fc.record({
        kind: fc.constant('mapStream'),
        concurrency,
        ordered: fc.boolean(),
        leaveAfter: fc.nat({ max: 4 }),
        bodies,
      }),
      fc.record({
        kind: fc.constant('retry'),
        attempts: fc.integer({ min: 1, max: 3 }),
        limit: fc.constantFrom(3, 8, Infinity),
        body,
      }),
      fc.record({ kind: fc.constant('hedge'), ms, body }),
      fc.record({ kind: fc.constant('poll'), times: fc.integer({ min: 1, max: 3 }), body }),
      fc.record({ kind: fc.constant('breaker'), body }),
      fc.record({
        kind: fc.constantFrom(
          'queued',
          'latest',
          'exhaust',
          'singleFlight',
          'debounce',
          'throttle',
        ),
        body,
      }),
    ) as fc.Arbitrary<Program>,
  }
}).program

/** Counts the running work that a call has begun. */
class Ledger {
  running = 0
}

/** Runs random programs, and records each fault: work that still runs after its call has settled. */
export class Machine {
  readonly everything: Ledger = new Ledger()
  readonly faults: string[] = []
  readonly #breaker = new CircuitBreaker({ failures: 3, within: 20, resetAfter: 5 })
  readonly #run = (ledgers: readonly Ledger[], body: Program): Promise<void> =>
    this.run(body, ledgers)
  readonly #queued = new Map<
    Program,
    (ledgers: readonly Ledger[], body: Program) => Promise<void>
  >()
  readonly #shared = {
    // Work that several callers share does not belong to one call, so only `everything` counts it.
    singleFlight: singleFlight((body: Program) => this.run(body, [this.everything])),
    debounce: debounce((body: Program) => this.run(body, [this.everything]), 3),
    throttle: throttle((body: Program) => this.run(body, [this.everything]), 3),
  }

  async run(program: Program, outer: readonly Ledger[]): Promise<void> {
    if (program.kind === 'sleep' || program.kind === 'foreign' || program.kind === 'fail') {
      await this.#work(outer, async () => {
        if (program.kind === 'foreign') await foreign(program.ms)
        else await sleep(program.ms)
        if (program.kind === 'fail') throw new Error('failed')
      })
      return
    }
    const own = new Ledger()
    const ledgers = [...outer, own]
    try {
      await this.#combine(program, ledgers)
    } finally {
      if (own.running !== 0) this.faults.push(`${program.kind} left ${own.running} running`)
    }
  }

  async #work(ledgers: readonly Ledger[], body: () => Promise<void>): Promise<void> {
    for (const ledger of ledgers) ledger.running++
    try {
      await body()
    } finally {
      for (const ledger of ledgers) ledger.running--
    }
  }

  async #combine(program: Program, ledgers: readonly Ledger[]): Promise<void> {
    const run = (body: Program): Promise<void> => this.run(body, ledgers)
    switch (program.kind) {
      case 'sleep':
      case 'foreign':
      case 'fail':
        return
      case 'cleanUp':
        try {
          await run(program.body)
        } finally {
          await this.#work(ledgers, async () => sleep(program.ms))
        }
        return
      case 'timeout':
        await timeout(program.ms, () => run(program.body))
        return
      case 'map':
        await map(this.#source(program, ledgers), run, program)
        return
      case 'forEach':
        await forEach(this.#source(program, ledgers), run, program)
        return
      case 'mapStream': {
        let taken = 0
        for await (const _ of mapStream(program.bodies, run, program)) {
          if (taken++ === program.leaveAfter) break
          await this.#work(ledgers, async () => sleep(1))
        }
        return
      }
      case 'retry': {
        const timeout = program.limit === Infinity ? undefined : program.limit
        const { attempts } = program
        await retry(() => run(program.body), { attempts, timeout, backoff: constant(1) })
        return
      }
      case 'hedge':
        await hedge(() => run(program.body), { delay: program.ms, max: 3 })
        return
      case 'poll': {
        let left = program.times
        const ask = async (): Promise<true | undefined> => {
          await run(program.body)
          return --left === 0 || undefined
        }
        await poll(ask, { interval: 1, timeout: 30 })
        return
      }
      case 'breaker':
        await this.#breaker.run(() => run(program.body))
        return
      case 'queued':
      case 'latest':
      case 'exhaust': {
        const make = { queued, latest, exhaust }[program.kind]
        // Each place in the program has a function of its own, because a call inside of another call must not wait for that call.
        let fn = this.#queued.get(program)
        if (fn === undefined) this.#queued.set(program, (fn = make(this.#run)))
        await fn(ledgers, program.body)
        return
      }
      case 'singleFlight':
      case 'debounce':
      case 'throttle':
        await this.#shared[program.kind](program.body)
        return
    }
  }

  #source(
    { bodies, isAsync }: { bodies: readonly Program[]; isAsync: boolean },
    ledgers: readonly Ledger[],
  ): Iterable<Program> | AsyncIterable<Program> {
    const work = (): Promise<void> => this.#work(ledgers, async () => sleep(1))
    if (!isAsync) return bodies
    return (async function* () {
      try {
        for (const body of bodies) {
          await work()
          yield body
        }
      } finally {
        await work()
      }
    })()
  }
}

/** Returns a native promise, whose wait no cancel can end. It resolves after `ms` milliseconds of virtual time. */
function foreign(ms: number): Promise<void> {
  const loop = getEventLoop()
  return new Promise((resolve) => {
    loop.callLater(ms, resolve)
  })
}
