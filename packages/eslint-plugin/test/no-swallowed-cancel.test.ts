import { noSwallowedCancel } from '../src/no-swallowed-cancel.ts'
import { testRule } from './support/linters.ts'

const rethrow = (output: string) => [{ messageId: 'rethrow', output }]

const core = `import { isCancelled, sleep } from '@tasktree/core'`

testRule('no-swallowed-cancel', noSwallowedCancel, {
  valid: [
    // These files do not use Tasktree.
    `try { await work() } catch {}`,
    `await work().catch(() => null)`,
    // No code waits in the try block itself, so no cancel can be thrown there.
    `${core}; try { JSON.parse(text) } catch { fallback() }`,
    `${core}; try { later(async () => { await sleep(1) }) } catch {}`,
    `${core}; try { class A { x = async () => { await sleep(1) } } } catch {}`,
    `${core}; function* f() { try { yield 1 } catch {} }`,
    // This try statement has no `catch`, so it catches nothing.
    `${core}; try { await sleep(1) } finally { close() }`,
    // The handler passes the error on.
    `${core}; try { await sleep(1) } catch (error) { log(error); throw error }`,
    `${core}; try { await sleep(1) } catch (error) { if (error instanceof TypeError) return; throw error }`,
    `${core}; try { await sleep(1) } catch (error) { throw error as Error }`,
    `${core}; try { await sleep(1) } catch (error) { throw translate(error) }`,
    `${core}; try { await sleep(1) } catch (error) { throw await translate(error) }`,
    `${core}; try { await sleep(1) } catch (error) { throw error instanceof TimeoutError ? late : error }`,
    `${core}; try { await sleep(1) } catch (error) { first = first ?? error }`,
    `${core}; try { await sleep(1) } catch (error) { failure = error }`,
    `${core}; try { await sleep(1) } catch (error) { this.failure = error! }`,
    `${core}; try { await sleep(1) } catch (error) { future.setException(error) }`,
    `${core}; new Promise((resolve, reject) => sleep(1).then(resolve, (error) => { reject(error) }))`,
    `${core}; const error = await sleep(1).catch((reason: unknown) => reason)`,
    `${core}; const error = await sleep(1).catch(function (reason) { return reason })`,
    // The handler tests whether the error is a cancel.
    `${core}; try { await sleep(1) } catch (error) { if (!isCancelled(error)) log(error) }`,
    `${core}; try { await sleep(1) } catch (error) { if (core.isCancelled(error)) return }`,
    `${core}; try { await sleep(1) } catch (error) { if (error instanceof CancelledError) return }`,
    `${core}; try { await sleep(1) } catch (error) { if (error.code === 'ERR_CANCELLED') return }`,
    `${core}; try { await sleep(1) } catch (error) { if (error.name === 'CancelledError') return }`,
    `${core}; try { await sleep(1) } catch { if (currentTask()?.cancelling() > 0) return }`,
    `${core}; await sleep(1).catch((error) => { if (isCancelled(error)) throw error })`,
    // The handler calls a function of the file that tests whether the error is a cancel, or throws it.
    `${core}
     try { await sleep(1) } catch (error) { report(error) }
     function report(error) { if (isCancelled(error)) throw error }`,
    `${core}
     const report = (what, error) => { throw error }
     try { await sleep(1) } catch (error) { report('it', error) }`,
    `${core}
     class A {
       async run() { try { await sleep(1) } catch (error) { this.#failed(error) } }
       #failed(error) { if (isCancelled(error)) throw error }
     }`,
    `${core}; await sleep(1).catch(report); function report(error) { if (isCancelled(error)) throw error }`,
    `const { isCancelled: isIt } = require('@tasktree/core'); try { await work() } catch (error) { if (isIt(error)) stop() }`,
    `import * as core from '@tasktree/core'; const { isCancelled: isIt } = core
     try { await work() } catch (error) { if (isIt(error)) stop() }`,
    // No code uses the promises that these `catch` calls return. In the last line `console` is a variable of the file.
    `${core}; task.catch(() => {}); void task.catch(() => {}); task?.catch(() => {})`,
    `${core}; task.catch(() => log()).finally(() => end())`,
    `${core}; if (isBusy) task.catch(() => {}); isBusy && task.catch(() => {}); isBusy ? task.catch(() => {}) : stop()`,
    `${core}; setTimeout(() => sleep(1).catch((error) => { log(error) }), 5)`,
    `${core}; server.on('request', () => sleep(1).catch((error) => { log(error) }))`,
    `${core}; port.onmessage = () => sleep(1).catch((error) => { log(error) })`,
    `${core}; task.catch(console.error); const console = { log() {} }; await task.catch(console.log)`,
    // No cancel from outside reaches a `run` or a native promise.
    `import { run } from '@tasktree/core'; try { await run(main) } catch (error) { console.error(error) }`,
    `import { run as start } from '@tasktree/core'; await start(main).catch((error) => { process.exitCode = 1 })`,
    `import * as core from '@tasktree/core'; try { await core.run(main) } catch (error) { console.error(error) }`,
    `import { runVirtual } from '@tasktree/core/testing'; try { await runVirtual(main) } catch (error) { log(error) }`,
    `${core}; try { const { x } = await import('x'); return x } catch { return null }`,
    // The handler passes the error to other code.
    `${core}; app.get('/', async (request, response, next) => { try { await sleep(1) } catch (error) { next(error) } })`,
    `${core}; try { await sleep(1) } catch (error) { callback(error as Error) }`,
    `${core}; try { await sleep(1) } catch (error) { stream.destroy(error) }`,
    `${core}; try { await sleep(1) } catch (error) { errors.push(error) }`,
    // The handler uses another name for the error, or the test for a cancel has another name.
    `${core}; try { await sleep(1) } catch (e) { const error = e as Error; log(error.message); throw error }`,
    `${core}; try { await sleep(1) } catch (e) { const error = toError(e); throw error }`,
    `import { isCancelled as wasCancelled, sleep } from '@tasktree/core'
     try { await sleep(1) } catch (error) { if (!wasCancelled(error)) log(error) }`,
    `import { CancelledError as Cancelled, sleep } from '@tasktree/core'
     try { await sleep(1) } catch (error) { if (error instanceof Cancelled) return; log(error) }`,
    `${core}; try { await sleep(1) } catch (error) { taskSignal().throwIfAborted(); log(error) }`,
    // The handler is a function that this file does not contain, so the rule does not judge it.
    `${core}; function then(onValue, onError) { return sleep(1).then(onValue, onError) }`,
    `${core}; await sleep(1).catch(ignore); await sleep(1).then(done); await sleep(1).catch()`,
  ],
  invalid: [
    {
      code: `${core}\ntry { await sleep(1) } catch (error) { console.log(error) }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\ntry { await sleep(1) } catch (error) { if (isCancelled(error)) throw error; console.log(error) }`,
          ),
        },
      ],
    },
    {
      code: `import { Queue } from '@tasktree/sync'\ntry { for await (const item of queue) {} } catch {}`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `import { isCancelled } from '@tasktree/core'\nimport { Queue } from '@tasktree/sync'\ntry { for await (const item of queue) {} } catch (error) { if (isCancelled(error)) throw error }`,
          ),
        },
      ],
    },
    {
      code: `${core}\nfunction* f() { try { yield* sleep(1) } catch (e) { return e.message } }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\nfunction* f() { try { yield* sleep(1) } catch (e) { if (isCancelled(e)) throw e; return e.message } }`,
          ),
        },
      ],
    },
    {
      code: `${core}\ntry { await using file = open() } catch ({ message }) { log(message) }`,
      errors: [{ messageId: 'swallowed' }],
    },
    // A file may load Tasktree by other means than an import.
    {
      code: `const { sleep } = require('@tasktree/core')\nasync function f() { try { await sleep(1) } catch {} }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `const { sleep, isCancelled } = require('@tasktree/core')\nasync function f() { try { await sleep(1) } catch (error) { if (isCancelled(error)) throw error } }`,
          ),
        },
      ],
    },
    {
      code: `'use strict'\nconst core = require('@tasktree/core')\nasync function f() { try { await core.sleep(1) } catch (e) {} }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `'use strict'\nconst { isCancelled } = require('@tasktree/core')\nconst core = require('@tasktree/core')\nasync function f() { try { await core.sleep(1) } catch (e) { if (isCancelled(e)) throw e } }`,
          ),
        },
      ],
    },
    {
      code: `const { sleep, isCancelled: isIt } = await import('@tasktree/core')\ntry { await sleep(1) } catch (e) {}`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `const { sleep, isCancelled: isIt } = await import('@tasktree/core')\ntry { await sleep(1) } catch (e) { if (isIt(e)) throw e }`,
          ),
        },
      ],
    },
    // The handler is a function of the same file, or a method of the console.
    {
      code: `${core}\nconst value = await sleep(1).catch(report)\nfunction report(error) { log(error) }`,
      errors: [{ messageId: 'swallowed' }],
    },
    {
      code: `${core}\nclass A { #warn = () => {}; async run() { await sleep(1).then(end, this.#warn) } }`,
      errors: [{ messageId: 'swallowed' }],
    },
    {
      code: `${core}\nawait sleep(1).catch(console.error)`,
      errors: [{ messageId: 'swallowed' }],
    },
    // Another error hides that the task was cancelled.
    {
      code: `${core}\ntry { await sleep(1) } catch (cause) { throw new Error('it failed', { cause }) }`,
      errors: [
        {
          messageId: 'replaced',
          suggestions: rethrow(
            `${core}\ntry { await sleep(1) } catch (cause) { if (isCancelled(cause)) throw cause; throw new Error('it failed', { cause }) }`,
          ),
        },
      ],
    },
    // The error is thrown by a function that runs at another time.
    {
      code: `${core}\ntry { await sleep(1) } catch (error) { later(() => { throw error }) }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\ntry { await sleep(1) } catch (error) { if (isCancelled(error)) throw error; later(() => { throw error }) }`,
          ),
        },
      ],
    },
    // The handler calls a function of the file that does not test for a cancel.
    {
      code: `${core}\nfunction report(text, error) { log(error) }\ntry { await sleep(1) } catch (error) { report('it', error) }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\nfunction report(text, error) { log(error) }\ntry { await sleep(1) } catch (error) { if (isCancelled(error)) throw error; report('it', error) }`,
          ),
        },
      ],
    },
    {
      code: `${core}\nasync function f(report) { try { await sleep(1) } catch (error) { report(error) }; isCancelled(other) }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\nasync function f(report) { try { await sleep(1) } catch (error) { if (isCancelled(error)) throw error; report(error) }; isCancelled(other) }`,
          ),
        },
      ],
    },
    {
      code: `${core}\nconst value = await sleep(1).catch(() => null)`,
      errors: [{ messageId: 'swallowed' }],
    },
    {
      code: `${core}\nexport const f = () => sleep(1).then(done, (error) => { log(error) })`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `${core}\nexport const f = () => sleep(1).then(done, (error) => { if (isCancelled(error)) throw error; log(error) })`,
          ),
        },
      ],
    },
    {
      code: `${core}\nawait sleep(1).catch((cause) => { throw new Error('it failed', { cause }) }).finally(end)`,
      errors: [
        {
          messageId: 'replaced',
          suggestions: rethrow(
            `${core}\nawait sleep(1).catch((cause) => { if (isCancelled(cause)) throw cause; throw new Error('it failed', { cause }) }).finally(end)`,
          ),
        },
      ],
    },
    // `run` of @tasktree/subprocess has the same name as `run` of core, but a cancel reaches it.
    {
      code: `import { run } from '@tasktree/subprocess'\nimport { isCancelled } from '@tasktree/core'\ntry { await run(['ls']) } catch (error) { log(error) }`,
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `import { run } from '@tasktree/subprocess'\nimport { isCancelled } from '@tasktree/core'\ntry { await run(['ls']) } catch (error) { if (isCancelled(error)) throw error; log(error) }`,
          ),
        },
      ],
    },
    // The variable `error` holds a new error, and not the caught one.
    {
      code: `${core}\ntry { await sleep(1) } catch (e) { const error = new Error('it failed', { cause: e }); throw error }`,
      errors: [
        {
          messageId: 'replaced',
          suggestions: rethrow(
            `${core}\ntry { await sleep(1) } catch (e) { if (isCancelled(e)) throw e; const error = new Error('it failed', { cause: e }); throw error }`,
          ),
        },
      ],
    },
    // A name for the error would hide the variable that the handler uses.
    {
      code: `${core}\nlet error = null\ntry { await sleep(1) } catch { error = new Error('it failed') }`,
      errors: [{ messageId: 'swallowed' }],
    },
    // The directive 'use client' must stay before the new import.
    {
      code: `'use client'\ntry { await work() } catch (error) {}`,
      options: [{ everyFile: true }],
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `'use client'\nimport { isCancelled } from '@tasktree/core'\ntry { await work() } catch (error) { if (isCancelled(error)) throw error }`,
          ),
        },
      ],
    },
    // With the option, a file counts that does not import Tasktree itself.
    {
      code: `try { await work() } catch (error) {}`,
      options: [{ everyFile: true }],
      errors: [
        {
          messageId: 'swallowed',
          suggestions: rethrow(
            `import { isCancelled } from '@tasktree/core'\ntry { await work() } catch (error) { if (isCancelled(error)) throw error }`,
          ),
        },
      ],
    },
  ],
})
