// Reads the commands and the snippets in other languages than TypeScript from the READMEs and the pages of the site.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { docs } from './pages.ts'

export const root: string = resolve(docs, '..')

/** The READMEs, and the pages that the build of the site does not write. The paths are relative to the root. */
const documents: readonly string[] = globSync(
  [
    '*.md',
    'packages/*/{README.md,docs/*.md}',
    '{apps,benchmarks}/*/README.md',
    '{examples,conformance,runtimes}/README.md',
    'docs/{*,*/*}.md',
  ],
  { cwd: root, exclude: (path) => path.includes('node_modules') },
)
  .map((path) => path.replaceAll('\\', '/'))
  .toSorted()

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** A block between fences, and the block of text that follows it, which is what a program prints. */
export interface Block {
  /** The document and the place of the block in it, as in 'README.md #2'. */
  readonly name: string
  readonly document: string
  readonly text: string
  readonly output: string
}

/** The blocks of one language. */
export function blocksOf(language: string): Block[] {
  const fence = new RegExp(`^\`\`\`${language}\\b.*\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return documents.flatMap((document) => {
    const markdown = read(document)
    return [...markdown.matchAll(fence)].map((match, i) => ({
      name: `${document} #${i + 1}`,
      document,
      text: match[1] as string,
      output:
        /^\s*```text\n([\s\S]*?)```/.exec(markdown.slice(match.index + match[0].length))?.[1] ?? '',
    }))
  })
}

/** A command of a shell, with the folder of the document that shows it. */
export interface Command {
  readonly document: string
  readonly folder: string
  /** Its words. A description may follow, because some documents write it behind the command. */
  readonly words: readonly string[]
}

const program = /^(?:[A-Z_]+=\S+ )*(?:npm|npx|pnpm|node|jobd|tasktree) /

/** The commands of a document: in blocks of `sh`, in indented lines, and within sentences. */
function commandsIn(document: string): string[] {
  const markdown = read(document)
  const shell = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap((match) =>
    (match[1] as string).split('\n'),
  )
  const plain = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
  const indented = [...plain.matchAll(/^ {4}(\S.*)$/gm)].map((match) => match[1] as string)
  const inline = [...plain.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string)
  return [...shell, ...indented, ...inline]
    .map((line) => (line.replaceAll('\\|', '|').split(/ {2,}/)[0] as string).trim())
    .filter((line) => program.test(line))
}

export const commands: readonly Command[] = documents.flatMap((document) =>
  commandsIn(document)
    .flatMap((line) => line.split(' && '))
    .map((line) => ({
      document,
      folder: dirname(document),
      words: line.replace(/^(?:[A-Z_]+=\S+ )*/, '').split(' '),
    })),
)
