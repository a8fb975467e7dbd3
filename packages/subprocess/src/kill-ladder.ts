import { afterDelay } from '@tasktree/core/lowlevel'
import { watchGroup } from './group-liveness.ts'

/** What `terminate` ends: a process, or the group that the process leads. */
export interface Target {
  readonly pid: number
  readonly group: boolean
  readonly killGrace: number
  send(signal: NodeJS.Signals): void
  /** Calls `callback` in the turn in which the system reports the exit of the process. */
  onExit(callback: () => void): void
}

/**
 * How many milliseconds to wait for the members of the group after SIGKILL and the exit of their leader. A member that
 * is still alive then is stuck in a system call, for an unknown time.
 */
const STUCK = 100

/**
 * Ends a process and its group: first `signal`, and after `killGrace` SIGKILL. The function uses timers and callbacks
 * only, so that neither a cancel nor the end of the loop stops it halfway. `done` is called when the process has exited
 * and no member of its group is alive. It is called STUCK milliseconds after both the exit and SIGKILL at the latest,
 * even if a member is still alive then.
 *
 * A group may outlive its leader. As long as the group has members, the system gives its number to no new process, so a
 * signal to that number reaches this group only.
 */
export function terminate(target: Target, signal: NodeJS.Signals, done: () => void): void {
  let isKilled = false
  let watch = { hurry: (): void => {}, stop: (): void => {} }
  let leaderHasExited = false
  let stopTimer = afterDelay(target.killGrace, () => {
    isKilled = true
    target.send('SIGKILL')
    if (leaderHasExited) giveUpLater()
  })
  const finish = (): void => {
    stopTimer()
    watch.stop()
    done()
  }
  const giveUpLater = (): void => {
    watch.hurry()
    stopTimer = afterDelay(STUCK, finish)
  }
  target.onExit(() => {
    leaderHasExited = true
    if (!target.group) return finish()
    let isGone = false
    watch = watchGroup(target.pid, () => {
      isGone = true
      finish()
    })
    if (isGone) return
    // The members of the group may ignore the first signal if it was not SIGTERM, so they get SIGTERM too.
    if (signal !== 'SIGTERM') target.send('SIGTERM')
    if (isKilled) giveUpLater()
  })
  target.send(signal)
}
