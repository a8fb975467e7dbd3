import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineKinds, type Kind } from '@tasktree/jobd'

/** The kind of job that the tour (`tour.ts`) adds to the built-in kinds of jobd. */
export const kinds: { readonly lines: Kind } = defineKinds({
  /**
   * Counts the lines of the source files of each package under a folder. Each package is a step of the job: the server stores
   * the count, so a retry of the job does not count the lines of that package again.
   */
  lines: {
    placeholder: 'a folder with packages',
    retries: 2,
    run: async (folder: string, ctx): Promise<string> => {
      const entries = await readdir(folder, { withFileTypes: true })
      const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
      const counts: string[] = []
      for (const [i, name] of names.entries()) {
        const lines = await ctx.step(name, () => countLines(join(folder, name, 'src')))
        ctx.log(`${name}: ${lines}`)
        ctx.progress(i + 1, names.length)
        counts.push(`${name} ${lines}`)
      }
      return counts.join(', ')
    },
  },
})

async function countLines(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  let lines = 0
  for (const entry of entries)
    if (entry.isFile() && entry.name.endsWith('.ts'))
      lines += (await readFile(join(entry.parentPath, entry.name), 'utf8')).split('\n').length
  return lines
}
