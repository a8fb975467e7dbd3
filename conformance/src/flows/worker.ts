/** Runs programs in a thread of its own, so that one that spins can be ended. */
import { parentPort } from 'node:worker_threads'
import type { Program } from './program.ts'
import { runProgram } from './run.ts'

export interface Request {
  program: Program
  real: boolean
}

parentPort?.on('message', ({ program, real }: Request) => {
  void runProgram(program, real).then((report) => parentPort?.postMessage(report))
})
