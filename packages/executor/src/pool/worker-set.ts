import type { WorkerHandle } from '../transport/worker-handle.ts'

/** The workers of a pool. Finds the worker that gets the next job. */
export class WorkerSet implements Iterable<WorkerHandle> {
  readonly #workers = new Set<WorkerHandle>()
  #lastFree: WorkerHandle | null = null

  get size(): number {
    return this.#workers.size
  }

  [Symbol.iterator](): Iterator<WorkerHandle> {
    return this.#workers.values()
  }

  add(worker: WorkerHandle): void {
    this.#workers.add(worker)
  }

  delete(worker: WorkerHandle): void {
    this.#workers.delete(worker)
    if (this.#lastFree === worker) this.#lastFree = null
  }

  /** Records that `worker` has finished all its jobs. */
  noteFree(worker: WorkerHandle): void {
    this.#lastFree = worker
  }

  /**
   * Returns an idle worker, if possible the one that became idle last, because its thread is probably still awake. Null
   * when all are busy.
   */
  findIdle(): WorkerHandle | null {
    if (this.#lastFree?.isIdle === true) return this.#lastFree
    for (const worker of this.#workers) if (worker.isIdle) return worker
    return null
  }

  /**
   * Returns the worker with the fewest jobs among the workers to which a job can be sent now, and that have at most half
   * of the jobs that `depth` allows. Null when there is none.
   */
  findSpare(depth: (worker: WorkerHandle) => number): WorkerHandle | null {
    let fewest: WorkerHandle | null = null
    for (const worker of this.#workers) {
      if (!worker.isOpen) continue
      if (worker.load <= depth(worker) / 2 && worker.load < (fewest?.load ?? Infinity))
        fewest = worker
    }
    return fewest
  }
}
