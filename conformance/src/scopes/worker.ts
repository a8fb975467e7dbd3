/** A worker thread that runs programs of scopes, so that the main thread can end a program that spins. */
import { parentPort } from 'node:worker_threads'
import { traceProgram } from './interpreter.ts'
import type { ScopeProgram, Traces } from './program.ts'

parentPort?.on('message', (program: ScopeProgram) => {
  void traceProgram(program).then((traces: Traces) => parentPort?.postMessage(traces))
})
