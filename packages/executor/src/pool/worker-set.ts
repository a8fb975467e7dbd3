import type { WorkerHandle } from '../transport/worker-handle.ts'

/** A pool's workers, and which of them gets the next job. */
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

  /** `worker` has ended its last job. */
  noteFree(worker: WorkerHandle): void {
    this.#lastFree = worker
  }

  /** An idle worker, if possible the one that became free last: it is still awake. */
  findIdle(): WorkerHandle | null {
    if (this.#lastFree?.isIdle === true) return this.#lastFree
    for (const worker of this.#workers) if (worker.isIdle) return worker
    return null
  }

  /** Of the workers that have at most half of `depth` jobs, the worker with the fewest. */
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
