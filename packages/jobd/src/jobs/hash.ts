import { defineKinds, type Kind } from './kind.ts'
import { parseText } from './payload-parsers.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** The kind `hash`: the SHA-256 of a file, or of every file under a folder. It runs in the thread pool. */
export const hash: { readonly hash: Kind } = defineKinds({
  hash: {
    placeholder: 'a path',
    concurrency: 2,
    parse: parseText('a path'),
    run: (path, ctx) => follow(ctx.pools.threads.submit(poolJobs.hash, path), ctx),
  },
})
