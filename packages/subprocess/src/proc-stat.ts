import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

export interface ProcStat {
  /** The state as one letter: 'Z' and 'X' mean dead. */
  readonly state: string
  readonly group: number
  /** Whether the process is ending or has ended. True already before an ending process closes its pipes. */
  readonly isEnding: boolean
  /** The status with which the process has ended or will end, in the format of `waitpid`; 0 while it lives. */
  readonly status: number
}

/** The flag of Linux for a process that has begun to end. */
const PF_EXITING = 0x4
/**
 * One buffer for all reads of the files /proc/PID/stat, because they are read thousands of times while process groups
 * are watched. Each of these files is one line of about 300 bytes.
 */
const buffer = Buffer.alloc(1_024)

/**
 * Returns the facts that Linux tells about a process; null when there is no such process or no /proc, and 'unknown'
 * while this program has no free file descriptor to read the facts with. Takes about 10 µs.
 */
export function readProcStat(pid: number | string): ProcStat | null | 'unknown' {
  let file: number
  try {
    file = openSync(`/proc/${pid}/stat`, 'r')
  } catch (error) {
    return isOutOfDescriptors(error) ? 'unknown' : null
  }
  try {
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
    // "pid (name) state ppid pgrp …", and the name may contain spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const state = fields[0] as string
    return {
      state,
      group: Number(fields[2]),
      isEnding: state === 'Z' || state === 'X' || (Number(fields[6]) & PF_EXITING) !== 0,
      status: Number(fields[49]),
    }
  } catch {
    return null // The system has removed the process in the meantime.
  } finally {
    closeSync(file)
  }
}

/**
 * Returns the pids of all processes; 'unknown' while this program has no free file descriptor, and on a system without
 * /proc.
 */
export function readPids(): string[] | 'unknown' {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return 'unknown'
  }
}

/** Whether an operation has failed because the program, or the whole system, has no free file descriptor. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}

export function isDead({ state }: ProcStat): boolean {
  return state === 'Z' || state === 'X'
}
