/** Runs programs in a thread of its own, so that one that spins can be ended. */
import { parentPort } from 'node:worker_threads'
import type { Mode, Program } from './program.ts'
import { runProgram } from './run.ts'

export interface Request {
  program: Program
  mode: Mode
  /** When a run that has not settled counts as one that hangs, in milliseconds. */
  patience: number
}

parentPort?.on('message', ({ program, mode, patience }: Request) => {
  void runProgram(program, mode, patience).then((report) => parentPort?.postMessage(report))
})
