import { median, table } from './measure.ts'

export interface Contestant {
  readonly name: string
  readonly operations: number
  /** Does `operations` operations and returns how many it has done. The contest checks that number. */
  readonly work: (operations: number) => PromiseLike<number>
}

export interface Contest {
  readonly title: string
  /** The name of the contestant that the others are compared with. */
  readonly against: string
  readonly contestants: readonly Contestant[]
}

/**
 * Measures contestants that run in another process. Returns for each the title of its contest, its name, and its nanoseconds for
 * each operation.
 */
export type Guests = () => [title: string, name: string, nanoseconds: number][]

/**
 * Runs every contestant of every contest once in each round, so that a slow moment of the machine slows all of them. Two more
 * rounds before the others warm up. Returns a table for each contest, with two figures for each contestant and the ratio of
 * each figure to the contestant `against`: the median of the rounds, and the least time, which a busy machine disturbs less.
 */
export async function contest(
  contests: readonly Contest[],
  guests: Guests = () => [],
  rounds = 9,
): Promise<string> {
  const samples = new Map<string, number[]>()
  const add = (title: string, name: string, value: number): void => {
    const key = `${title}/${name}`
    samples.set(key, [...(samples.get(key) ?? []), value])
  }
  for (let round = -2; round < rounds; round++) {
    for (const { title, contestants } of contests) {
      for (const contestant of contestants) {
        const value = await once(contestant)
        if (round >= 0) add(title, contestant.name, value)
      }
    }
    if (round >= 0) for (const figure of guests()) add(...figure)
  }
  return contests
    .map(({ title, against, contestants }) => {
      const base = samples.get(`${title}/${against}`) ?? []
      const names = new Set(contestants.map(({ name }) => name))
      for (const key of samples.keys()) {
        if (key.startsWith(`${title}/`)) names.add(key.slice(title.length + 1))
      }
      const rows = [...names].map((name) => {
        const own = samples.get(`${title}/${name}`) ?? []
        const ratio = median(own.map((value, i) => value / (base[i] ?? NaN)))
        return [name, median(own), ratio, Math.min(...own), Math.min(...own) / Math.min(...base)]
      })
      return table([title, 'ns', `to ${against}`, 'least ns', `to ${against}`], rows)
    })
    .join('\n\n')
}

async function once({ name, operations, work }: Contestant): Promise<number> {
  const start = performance.now()
  const did = await work(operations)
  const took = (performance.now() - start) * 1e6
  if (did !== operations) throw new Error(`${name} did ${did} of ${operations}`)
  return took / operations
}
