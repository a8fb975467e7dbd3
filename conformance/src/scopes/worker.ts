/** Runs programs of scopes in a thread of its own, so that one that spins can be ended. */
import { parentPort } from 'node:worker_threads'
import { hasScopes, traceProgram } from './interpreter.ts'
import type { ScopeProgram, Traces } from './program.ts'

/** Null: core has no scopes. */
export type Answer = Traces | null

parentPort?.on('message', (program: ScopeProgram) => {
  if (!hasScopes) parentPort?.postMessage(null)
  else void traceProgram(program).then((traces) => parentPort?.postMessage(traces))
})
