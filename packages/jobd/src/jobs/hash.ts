import { defineKind, type Kind, parseText } from './kind.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** SHA-256 of a file, or of every file under a folder, in the thread pool. */
export const hash: Kind = defineKind({
  placeholder: 'a path',
  capacity: 2,
  parse: parseText('a path'),
  run: (path, bench) => follow(bench.pools.threads.submit(poolJobs.hash, path), bench),
})
