export { $, type Command, type CommandOptions, type Dollar } from './command.ts'
export {
  ArgumentListTooLongError,
  CalledProcessError,
  type CompletedProcess,
  FileNotFoundError,
  MaxBufferError,
  NotADirectoryError,
  NotReadyError,
  PermissionError,
  ProcessLookupError,
  TimeoutExpired,
} from './errors.ts'
export type { ManagedBackoff, ManagedProcessOptions } from './managed-options.ts'
export type { ManagedState } from './managed-life.ts'
export { ManagedProcess } from './managed-process.ts'
export { DEVNULL, PIPE, type SpawnOptions, STDOUT, type Stdio } from './options.ts'
export type { OutputLine } from './interleave-lines.ts'
export { Process, type ProcessWaitOptions } from './process.ts'
export { python } from './python.ts'
export { run, type RunOptions } from './run.ts'
export { shlex, type SplitOptions } from './shlex.ts'
export { createSubprocessExec, createSubprocessShell } from './spawn.ts'
export type { CommandValue } from './template.ts'
