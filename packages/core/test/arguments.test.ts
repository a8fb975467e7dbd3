import {
  cancelTasks,
  Context,
  ContextVar,
  ExceptionGroup,
  moveOnAfter,
  run,
  Runner,
  staggeredRace,
  taskGroup,
  timeout,
  timeoutAt,
  wait,
} from '@tasktree/core'
import { explore, runVirtual, VirtualClock } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { thrown } from './support/virtual.ts'

/** What a test passes where the types would not let it. */
const wrong = (value: unknown): never => value as never

describe('wrong arguments are told what was expected and what came', () => {
  test('a body that is not a function', async () => {
    const calls = [
      timeout(5, wrong(null)),
      timeoutAt(5, wrong('x')),
      moveOnAfter(5, wrong(5)),
      taskGroup(wrong(Promise.resolve())),
    ]
    const messages = await Promise.all(calls.map(async (call) => String(await thrown(call))))
    expect(messages).toEqual([
      'TypeError: timeout takes a function as its body, got null',
      'TypeError: timeoutAt takes a function as its body, got string x',
      'TypeError: moveOnAfter takes a function as its body, got number 5',
      'TypeError: taskGroup takes a function as its body, got an object of class Promise',
    ])
  })

  test('a list that is none, or of other things', async () => {
    const calls = [
      wait(wrong(null)),
      cancelTasks(wrong(5)),
      staggeredRace(wrong('x'), null),
      staggeredRace([wrong(null)], null),
    ]
    const messages = await Promise.all(calls.map(async (call) => String(await thrown(call))))
    expect(messages).toEqual([
      'TypeError: wait takes an iterable of futures, got null',
      'TypeError: cancelTasks takes an iterable of tasks, got number 5',
      'TypeError: staggeredRace takes an iterable of functions, got string x',
      'TypeError: staggeredRace takes functions, got null among them',
    ])
    expect(() => new ExceptionGroup('m', wrong('errors'))).toThrow('got string errors')
    expect(() => new ExceptionGroup('m', wrong(undefined))).toThrow('got undefined')
  })

  test('contexts and tokens', () => {
    expect(() => new Context().run(wrong(5))).toThrow('Context.run takes a function, got number 5')
    expect(() => new ContextVar('v').reset(wrong(null))).toThrow('set() returned, got null')
  })

  test('options of a run', async () => {
    expect(() => new Runner(wrong(null))).toThrow(TypeError)
    expect(() => new Runner({ loop: wrong({}) })).toThrow('must be an EventLoop, got an object')
    expect(String(await thrown(run(async () => {}, wrong('debug'))))).toContain('got string debug')
  })

  test('options of virtual time', async () => {
    expect(() => new VirtualClock({ start: NaN })).toThrow('start must be a number of milliseconds')
    expect(await thrown(runVirtual(async () => {}, { start: wrong('1') }))).toBeInstanceOf(
      TypeError,
    )
    expect(await thrown(runVirtual(async () => {}, wrong(null)))).toBeInstanceOf(TypeError)
  })

  test('a program to explore, and its seeds', async () => {
    expect(await thrown(explore(wrong(null)))).toBeInstanceOf(TypeError)
    const ran: number[] = []
    const program = async (): Promise<void> => void ran.push(1)
    expect(await thrown(explore(program, { seed: NaN, seeds: 1 }))).toBeInstanceOf(TypeError)
    expect(await thrown(explore(program, { seeds: wrong(Symbol('s')) }))).toBeInstanceOf(RangeError)
    expect(ran).toEqual([])
  })
})
