/** Runs programs of scopes in a thread of its own, so that a program that spins can be ended. */
import { parentPort } from 'node:worker_threads'
import { traceProgram } from './interpreter.ts'
import type { ScopeProgram, Traces } from './program.ts'

parentPort?.on('message', (program: ScopeProgram) => {
  void traceProgram(program).then((traces: Traces) => parentPort?.postMessage(traces))
})
