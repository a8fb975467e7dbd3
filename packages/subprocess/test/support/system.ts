import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Returns the ids of the processes whose command line contains `text`. It leaves out zombies. It also leaves out processes of Node,
 * because their arguments may contain the command lines of other processes.
 */
export function running(text: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((found) => found !== null)
    .filter(([, , stat, args]) => !stat?.startsWith('Z') && args?.includes(text))
    .filter(([, , , args]) => !args?.startsWith(process.execPath))
    .map(([, pid]) => Number(pid))
}

/** Returns the ids of all children of this process, including zombies. */
export function children(): number[] {
  const tasks = readdirSync('/proc/self/task')
  return tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** Returns the number of open file descriptors that are pipes or sockets. */
export function pipes(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(pipe|socket):/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false // this is the descriptor of the listed folder, which is closed now
    }
  }).length
}
