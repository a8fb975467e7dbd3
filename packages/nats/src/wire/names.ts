import { describe } from '@tasktree/core/lowlevel'

/**
 * One token of a subject, of a stream's name or of a bucket's key: letters, digits, `_` and `-` stay, each other byte
 * becomes `=XX`. Keys of buckets refuse `%`.
 */
export function token(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

/** @throws {TypeError} for what is not a text that names something */
export function checkName(what: string, name: unknown): void {
  if (typeof name === 'string' && name !== '') return
  throw new TypeError(`${what} must be a text that is not empty, got ${describe(name)}`)
}

/** Every name that a cluster uses on its server. All begin with the namespace, so that several share a server. */
export class Names {
  readonly #space: string

  constructor(namespace: string) {
    this.#space = token(namespace)
  }

  /** The stream of the jobs that wait or run. */
  jobs(queue: string): string {
    return `${this.#space}_JOBS_${token(queue)}`
  }

  job(queue: string): string {
    return `${this.#space}.job.${token(queue)}`
  }

  /** The stream of the jobs that must not begin yet. */
  delayed(queue: string): string {
    return `${this.#space}_DELAYED_${token(queue)}`
  }

  delay(queue: string): string {
    return `${this.#space}.delay.${token(queue)}`
  }

  get deadLetters(): string {
    return `${this.#space}_DLQ`
  }

  deadLetter(queue: string): string {
    return `${this.#space}.dlq.${token(queue)}`
  }

  get everyDeadLetter(): string {
    return `${this.#space}.dlq.*`
  }

  service(name: string): string {
    return `${this.#space}.svc.${token(name)}`
  }

  /** Where cancels are announced. */
  control(id: string): string {
    return `${this.#space}.ctl.${id}`
  }

  /** The bucket of the leases that last `ttl` milliseconds. */
  leases(ttl: number): string {
    return ttl === defaultLease ? `${this.#space}_lease` : `${this.#space}_lease_${ttl}`
  }

  /** Where the holder of a lease says that it has given the lease back. */
  freed(key: string): string {
    return `${this.#space}.freed.${key}`
  }

  get nodes(): string {
    return `${this.#space}_node`
  }

  get cancels(): string {
    return `${this.#space}_cancel`
  }

  /** A bucket has one time for all its entries. */
  results(ttl: number): string {
    return ttl === defaultResultTtl ? `${this.#space}_result` : `${this.#space}_result_${ttl}`
  }
}

/** Milliseconds that a result is kept. */
export const defaultResultTtl = 3_600_000
/** Milliseconds that a lease lasts without being renewed. */
export const defaultLease = 5_000
