export {
  CalledProcessError,
  type CompletedProcess,
  FileNotFoundError,
  NotADirectoryError,
  PermissionError,
  ProcessLookupError,
} from './errors.ts'
export { DEVNULL, PIPE, type SpawnOptions, STDOUT, type Stdio } from './options.ts'
export { Process } from './process.ts'
export { run, type RunOptions } from './run.ts'
export { createSubprocessExec, createSubprocessShell } from './spawn.ts'
