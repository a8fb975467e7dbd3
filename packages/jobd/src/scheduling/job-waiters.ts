import type { ReplyPort } from '@tasktree/actor'
import type { Job } from '../jobs/job.ts'

/** Who waits for a job's end. */
export type WaitingPort = ReplyPort<Job | null>

/** Those who wait for jobs to end, by job. */
export class JobWaiters {
  readonly #ports = new Map<number, Set<WaitingPort>>()

  add(id: number, port: WaitingPort): void {
    const ports = this.#ports.get(id) ?? new Set()
    ports.add(port)
    this.#ports.set(id, ports)
  }

  /** Whether it was still waiting. */
  remove(id: number, port: WaitingPort): boolean {
    const ports = this.#ports.get(id)
    if (ports?.delete(port) !== true) return false
    if (ports.size === 0) this.#ports.delete(id)
    return true
  }

  /** The job has ended. */
  tell(job: Job): void {
    const ports = this.#ports.get(job.id) ?? []
    this.#ports.delete(job.id)
    for (const port of ports) port.resolve(job)
  }
}
