import { createTask, Future, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { CircuitBreaker, CircuitOpenError } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { reports, thrown, virtual } from './support/virtual.ts'

const options = { failures: 3, within: 1000, resetAfter: 500 }

const fail = async (): Promise<never> => {
  throw new Error('down')
}
const succeed = async (): Promise<string> => 'up'

async function failTimes(breaker: CircuitBreaker, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect(await thrown(breaker.run(fail))).toEqual(new Error('down'))
}

virtual('CircuitBreaker.run returns the value of the call, or throws its error', async () => {
  const breaker = new CircuitBreaker(options)
  expect(await breaker.run(succeed)).toBe('up')
  await failTimes(breaker, 1)
  expect(breaker.state).toBe('closed')
})

virtual(
  'enough failures within the time open a CircuitBreaker, which then refuses calls without making them',
  async () => {
    const breaker = new CircuitBreaker(options)
    await failTimes(breaker, 3)
    expect(breaker.state).toBe('open')
    await sleep(100)
    const error = await thrown(breaker.run(async () => expect.unreachable()))
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(error).toMatchObject({ code: 'ERR_FLOW_CIRCUIT_OPEN', retryAfter: 400 })
    expect((error as Error).cause).toEqual(new Error('down'))
    expect((error as Error).message).toContain('try again in 400 ms')
  },
)

virtual('failures that are too far apart do not open a CircuitBreaker', async () => {
  const breaker = new CircuitBreaker(options)
  for (let i = 0; i < 10; i++) {
    await failTimes(breaker, 1)
    await sleep(501)
  }
  expect(breaker.state).toBe('closed')
  await failTimes(breaker, 2)
  expect(breaker.state).toBe('open')
})

virtual('a success between failures does not keep a CircuitBreaker from opening', async () => {
  const breaker = new CircuitBreaker(options)
  await failTimes(breaker, 2)
  await breaker.run(succeed)
  await failTimes(breaker, 1)
  expect(breaker.state).toBe('open')
})

virtual(
  'an open CircuitBreaker is closed by a successful trial call after resetAfter',
  async () => {
    const breaker = new CircuitBreaker(options)
    await failTimes(breaker, 3)
    await sleep(500)
    expect(breaker.state).toBe('half-open')
    expect(await breaker.run(succeed)).toBe('up')
    expect(breaker.state).toBe('closed')
    await failTimes(breaker, 2)
    expect(breaker.state).toBe('closed')
  },
)

virtual('a failing trial call opens a CircuitBreaker for another resetAfter', async () => {
  const breaker = new CircuitBreaker(options)
  await failTimes(breaker, 3)
  await sleep(500)
  await failTimes(breaker, 1)
  expect(breaker.state).toBe('open')
  await sleep(499)
  expect(breaker.state).toBe('open')
  await sleep(1)
  expect(breaker.state).toBe('half-open')
})

virtual(
  'a half-open CircuitBreaker makes only halfOpen trial calls, and closes when all succeed',
  async () => {
    const breaker = new CircuitBreaker({ ...options, halfOpen: 2 })
    await failTimes(breaker, 3)
    await sleep(500)
    const trials = [10, 20].map((ms) => createTask(() => breaker.run(() => sleep(ms))))
    await sleep(5)
    const refused = await thrown(breaker.run(succeed))
    expect(refused).toMatchObject({ name: 'CircuitOpenError', retryAfter: 0 })
    await trials[0]
    expect(breaker.state).toBe('half-open')
    await trials[1]
    expect(breaker.state).toBe('closed')
  },
)

virtual(
  'a CircuitBreaker does not count a cancel, and a cancelled trial call makes room for another',
  async () => {
    const breaker = new CircuitBreaker({ ...options, failures: 1 })
    const cancelled = createTask(() => breaker.run(() => sleep(1000)))
    await sleep(1)
    cancelled.cancel()
    expect(isCancelled(await thrown(cancelled))).toBe(true)
    const own = new Future<void>()
    own.cancel()
    expect(isCancelled(await thrown(breaker.run(() => own)))).toBe(true)
    expect(breaker.state).toBe('closed')

    await failTimes(breaker, 1)
    await sleep(500)
    const trial = createTask(() => breaker.run(() => sleep(1000)))
    await sleep(1)
    trial.cancel()
    await thrown(trial)
    expect(breaker.state).toBe('half-open')
    expect(await breaker.run(succeed)).toBe('up')
    expect(breaker.state).toBe('closed')
  },
)

virtual('a CircuitBreaker does not count an error that a cancelled call throws', async () => {
  const breaker = new CircuitBreaker({ ...options, failures: 1 })
  const call = createTask(() =>
    breaker.run(async () => {
      try {
        await sleep(1000)
      } catch {
        throw new Error('reset by peer')
      }
    }),
  )
  await sleep(1)
  call.cancel()
  expect(await thrown(call)).toEqual(new Error('reset by peer'))
  expect(breaker.state).toBe('closed')
})

virtual(
  'a CircuitBreaker does not count outcomes of calls that began before its state changed',
  async () => {
    const breaker = new CircuitBreaker({ ...options, failures: 1 })
    const late = new Future<void>()
    const early = createTask(() => breaker.run(() => late))
    await sleep(1)
    await failTimes(breaker, 1)
    await sleep(500)
    expect(await breaker.run(succeed)).toBe('up')
    late.setException(new Error('old news'))
    expect(await thrown(early)).toEqual(new Error('old news'))
    expect(breaker.state).toBe('closed')
  },
)

virtual('a CircuitBreaker counts only the errors for which countIf returns true', async () => {
  const countIf = (error: unknown): boolean => (error as Error).message === 'down'
  const breaker = new CircuitBreaker({ ...options, failures: 1, countIf })
  const notFound = async (): Promise<never> => {
    throw new Error('404')
  }
  expect(await thrown(breaker.run(notFound))).toEqual(new Error('404'))
  expect(breaker.state).toBe('closed')
  await failTimes(breaker, 1)
  expect(breaker.state).toBe('open')
})

virtual(
  'CircuitBreaker.onStateChange is called for each change, and an error that it throws is reported',
  async () => {
    const heard = reports()
    const breaker = new CircuitBreaker({ ...options, failures: 1 })
    const changes: string[] = []
    breaker.onStateChange = (state, previous) => changes.push(`${previous} to ${state}`)
    await failTimes(breaker, 1)
    await sleep(500)
    await breaker.run(succeed)
    expect(changes).toEqual(['closed to open', 'open to half-open', 'half-open to closed'])
    breaker.onStateChange = () => {
      throw new Error('listener')
    }
    await failTimes(breaker, 1)
    expect(heard).toEqual([new Error('listener')])
  },
)

virtual('a CircuitBreaker counts a call that throws before it returns a promise', async () => {
  const breaker = new CircuitBreaker({ ...options, failures: 1 })
  const call = breaker.run(() => {
    throw new Error('at once')
  })
  expect(await thrown(call)).toEqual(new Error('at once'))
  expect(breaker.state).toBe('open')
})

test('a CircuitBreaker keeps its time over two runs with different clocks', async () => {
  const breaker = new CircuitBreaker(options)
  await runVirtual(() => failTimes(breaker, 3), { start: 1e9 })
  await runVirtual(async () => {
    expect(breaker.state).toBe('open')
    await sleep(499)
    expect(breaker.state).toBe('open')
    await sleep(1)
    expect(breaker.state).toBe('half-open')
  })
})

test('an aborted signal ends CircuitBreaker.run in plain code', async () => {
  const breaker = new CircuitBreaker(options)
  const signal = AbortSignal.timeout(5)
  const error = await thrown(breaker.run(() => sleep(10_000), { signal }))
  expect(isCancelled(error)).toBe(true)
  expect(await breaker.run(succeed)).toBe('up')
})

test('CircuitBreaker throws at the call for wrong arguments', () => {
  const make = (wrong: object): (() => unknown) => {
    return () => new CircuitBreaker({ ...options, ...wrong })
  }
  expect(() => new CircuitBreaker(undefined as never)).toThrow(TypeError)
  expect(make({ failures: 0 })).toThrow(RangeError)
  expect(make({ within: -1 })).toThrow(RangeError)
  expect(make({ resetAfter: undefined })).toThrow(TypeError)
  expect(make({ halfOpen: 0.5 })).toThrow(RangeError)
  expect(make({ countIf: 1 })).toThrow(TypeError)
  expect(() => new CircuitBreaker(options).run(1 as never)).toThrow(TypeError)
})
