import { readdirSync, readFileSync } from 'node:fs'
import { afterDelay } from './real-timer.ts'

/** What is to end: a process, or a group by its leader. */
export interface Target {
  readonly pid: number
  readonly group: boolean
  readonly killGrace: number
  send(signal: NodeJS.Signals): void
  /** Calls back in the turn in which the process is reaped. */
  onExit(callback: () => void): void
}

/** Milliseconds between two looks at a group whose leader has gone; each wait is twice the one before. */
const firstLook = 5
const lastLook = 80

/**
 * Ends a process and its group: SIGTERM, and after `killGrace` SIGKILL. Made of timers and callbacks
 * alone, so that neither a cancel nor the end of the loop stops it halfway. `done` is called when nothing
 * is left.
 *
 * When the leader is gone before its group, the group's number stays its own: the system gives no new
 * process a number that is still some group's. So it may be signalled as long as it has members, and
 * is looked at often enough for its number not to come round in between.
 */
export function terminate(target: Target, signal: NodeJS.Signals, done: () => void): void {
  let killed = false
  let stopLooking = (): void => {}
  const stopTimer = afterDelay(target.killGrace, () => {
    killed = true
    target.send('SIGKILL')
  })
  const finish = (): void => {
    stopTimer()
    stopLooking()
    done()
  }
  const look = (wait: number): void => {
    if (!hasMembers(target.pid)) return finish()
    stopLooking = afterDelay(wait, () => {
      // Members that not even SIGKILL has ended by now are stuck in the system: nobody can wait for them.
      if (killed && wait === lastLook) finish()
      else look(Math.min(wait * 2, lastLook))
    })
  }
  target.onExit(() => {
    if (!target.group) return finish()
    // Asked to end by another signal, the leader may have left those that ignore it.
    if (signal !== 'SIGTERM' && hasMembers(target.pid)) target.send('SIGTERM')
    look(firstLook)
  })
  target.send(signal)
}

/** Whether a group has members that live. Dead ones that nobody has reaped still count for the system. */
function hasMembers(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return process.platform !== 'linux' || hasLivingMembers(group)
}

/** In a container whose first process reaps nobody, the dead stay for ever. */
function hasLivingMembers(group: number): boolean {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    let stat: string
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
    } catch {
      continue // It has gone meanwhile.
    }
    // "pid (name) state ppid pgrp ...", and the name may hold anything.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(pgrp) === group && state !== 'Z' && state !== 'X') return true
  }
  return false
}
