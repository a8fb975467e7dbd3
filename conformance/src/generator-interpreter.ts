import { coroutine, type CoroutineGenerator, sleep } from '@tasktree/core'
import { catches } from './core-statements.ts'
import { type Body, type End, Interpreter, type Scope } from './interpreter.ts'
import type { AsyncArguments, Statement } from './program.ts'
import { show } from './show.ts'

type Steps = CoroutineGenerator<End | undefined>

/**
 * Runs a program as generator coroutines: the body of every task and every block is a generator. The statements whose code
 * differs in a generator (`yield*` instead of `await`) are written here. The generator runs all other statements through the
 * async functions of the base class, inline in its task.
 */
export class GeneratorInterpreter extends Interpreter {
  override body(fn: number, scope: Scope): ReturnType<Body> {
    return this.#bodySteps(fn, scope)
  }

  *#bodySteps(fn: number, scope: Scope): CoroutineGenerator<number | null> {
    this.trace(scope, 'start')
    try {
      return this.ending(scope, yield* this.#steps(this.functionBody(fn), scope))
    } catch (error) {
      throw this.failing(scope, error)
    }
  }

  override block(statements: readonly Statement[], scope: Scope): PromiseLike<End | undefined> {
    return coroutine(() => this.#steps(statements, scope))()
  }

  *#steps(statements: readonly Statement[], scope: Scope): Steps {
    for (const statement of statements) {
      const end = this.isSync(statement)
        ? this.act(scope, statement)
        : yield* this.#waitSteps(scope, statement)
      if (end !== undefined) return end
    }
    return undefined
  }

  *#waitSteps(scope: Scope, statement: Statement): Steps {
    const [name, ...args] = statement
    switch (name) {
      case 'loop':
        return yield* this.#loopSteps(scope, args as AsyncArguments['loop'])
      case 'try':
        return yield* this.#trySteps(scope, args as AsyncArguments['try'])
      case 'sleep':
        this.trace(scope, `slept ${show(yield* sleep(args[0] as number, args[0]))}`)
        return undefined
      case 'await': {
        const future = this.slots.get(args[0] as number)
        if (future === undefined) this.trace(scope, `await ${show(args[0])} none`)
        else this.trace(scope, `await ${show(args[0])} ${show(yield* future)}`)
        return undefined
      }
      default:
        return yield* coroutine(() => this.wait(scope, statement))()
    }
  }

  *#loopSteps(scope: Scope, [count, body]: AsyncArguments['loop']): Steps {
    for (let i = 0; i < count; i++) {
      const end = yield* this.#steps(body, scope)
      if (end?.kind === 'break') break
      if (end?.kind === 'return') return end
    }
    return undefined
  }

  *#trySteps(scope: Scope, [body, handlers, final]: AsyncArguments['try']): Steps {
    let end: End | undefined
    try {
      try {
        end = yield* this.#steps(body, scope)
      } catch (error) {
        const handler = handlers.find(([kind]) => catches(kind, error))
        if (handler === undefined) throw error
        this.trace(scope, `caught ${show(error)}`)
        end = yield* this.#steps(handler[1], { ...scope, handling: { error } })
      }
    } finally {
      if (final !== null) {
        this.trace(scope, 'finally')
        const finalEnd = yield* this.#steps(final, scope)
        // oxlint-disable-next-line eslint/no-unsafe-finally -- a `return` in a `finally` block drops the error, as in Python
        if (finalEnd !== undefined) return finalEnd
      }
    }
    return end
  }
}
