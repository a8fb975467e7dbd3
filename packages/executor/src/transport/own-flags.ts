/**
 * Chooses which of the flags of this process a worker gets. A worker that lacks the flags that decide how imports are
 * resolved would load other files than this process does.
 */

interface Flag {
  /** The flag without its value: `--conditions` for `--conditions=a` and for `--conditions a`. */
  readonly name: string
  /** The flag as it was given, in one word or in two. */
  readonly words: readonly string[]
}

/**
 * Returns the flags of this process. A word without a dash is the value of the flag before it, because the flags of Node
 * end where the first other argument begins.
 */
function listFlags(): Flag[] {
  const flags: Flag[] = []
  const { execArgv } = process
  for (let i = 0; i < execArgv.length; i++) {
    const word = execArgv[i] as string
    const name = word.replace(/=[^]*/, '')
    const next = execArgv[i + 1]
    if (next === undefined || next.startsWith('-')) flags.push({ name, words: [word] })
    else flags.push({ name, words: [word, execArgv[++i] as string] })
  }
  return flags
}

function wordsOf(isMeant: (name: string) => boolean): string[] {
  return listFlags().flatMap(({ name, words }) => (isMeant(name) ? words : []))
}

/** Matches the flags that concern only the main program of this process, and files that this process has read. */
const ownOnly =
  /^--(?:inspect|eval$|print$|input-type$|test|watch|check$|interactive$|env-file)|^-[epci]/

/** Returns the flags for a worker process: those that a worker thread would inherit. */
export function processFlags(): string[] {
  return wordsOf((name) => !ownOnly.test(name))
}

/**
 * Returns the option with the flags for a worker thread. A thread inherits the flags of this process without this
 * option. But if the program was given as text (`node --input-type`), Node refuses that flag together with a file, so
 * the thread gets only the flags that decide which modules it loads.
 */
export function threadFlags(): { execArgv?: string[] } {
  if (!listFlags().some(({ name }) => name === '--input-type')) return {}
  return {
    execArgv: wordsOf((name) =>
      /^(?:--conditions|-C|--import|--require|-r|--loader|--experimental-loader)$/.test(name),
    ),
  }
}

/**
 * Returns the flags for the watch thread of a worker process: those that decide how imports are resolved. The modules
 * that `--import` and `--require` name are for programs, and would run a second time in the watch thread.
 */
export function watchFlags(): string[] {
  return wordsOf((name) => /^(?:--conditions|-C)$/.test(name))
}
