/** Whether a process with this id exists. A process that has ended still exists until its parent has read its exit status. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
