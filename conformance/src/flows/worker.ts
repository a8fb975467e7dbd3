/** A worker thread that runs programs, so that the main thread can end a program that spins. */
import { parentPort } from 'node:worker_threads'
import type { Mode, Program } from './program.ts'
import { runProgram } from './run.ts'

export interface Request {
  program: Program
  mode: Mode
  /** A run that takes more milliseconds of real time than this counts as one that hangs. */
  patience: number
}

parentPort?.on('message', ({ program, mode, patience }: Request) => {
  void runProgram(program, mode, patience).then((report) => parentPort?.postMessage(report))
})
