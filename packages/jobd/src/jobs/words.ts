import { defineKind, type Kind, parseText } from './kind.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** The number of words of the text files under a path, in the process pool. */
export const words: Kind = defineKind({
  placeholder: 'a path',
  capacity: 2,
  parse: parseText('a path'),
  run: (path, bench) => follow(bench.pools.processes.submit(poolJobs.words, path), bench),
})
