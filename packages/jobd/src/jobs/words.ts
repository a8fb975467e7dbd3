import { defineKinds, type Kind } from './kind.ts'
import { parseText } from './payload-parsers.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** The kind `words`: counts the words of the text files under a path. It runs in the process pool. */
export const words: { readonly words: Kind } = defineKinds({
  words: {
    placeholder: 'a path',
    concurrency: 2,
    parse: parseText('a path'),
    run: (path, ctx) => follow(ctx.pools.processes.submit(poolJobs.words, path), ctx),
  },
})
