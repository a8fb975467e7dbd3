/** Whether a process with this id exists. One that has ended exists until its parent has asked how it ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
