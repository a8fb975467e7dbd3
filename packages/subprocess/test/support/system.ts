import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * The processes whose command line has `text` in it. Zombies are left out, and so are processes of Node, whose arguments
 * only say what other processes run.
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

/** Every child of this process, zombies included. */
export function children(): number[] {
  const tasks = readdirSync('/proc/self/task')
  return tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** The open descriptors that are pipes or sockets. */
export function pipes(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(pipe|socket):/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false // The one that listed them.
    }
  }).length
}
