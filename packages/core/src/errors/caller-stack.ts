/** The folder of this package: its built files, or its sources. None in a bundle that has no address, as in workerd. */
const own = foldersOf(import.meta.url)

/** As an address, and as a path: a frame of the stack has the one or the other. */
function foldersOf(url: string | undefined): string[] {
  if (url === undefined) return []
  // Some tools write a path in place of the address.
  const folder = url.replace(/^file:\/\//, '').replace(/\/(dist|src)\/.*$/, '/$1/')
  return [folder, decoded(folder), encodeURI(folder)]
}

function decoded(folder: string): string {
  try {
    return decodeURIComponent(folder)
  } catch {
    // A path with a percent sign of its own.
    return folder
  }
}

/**
 * Takes the frames of this library off the top of the error's stack, and those of the runtime between them, so that the
 * stack begins where the program called. A stack without a frame of the program stays as it is. Costs about 20
 * microseconds, because the stack is written out: for errors that end a wait, and not for those that are thrown often.
 *
 * @param url the `import.meta.url` of the package that makes the error
 */
export function startAtCaller<E extends Error>(error: E, url?: string): E {
  const { stack } = error
  if (typeof stack !== 'string') return error
  const folders = [...own, ...foldersOf(url)]
  const isInternal = (line: string): boolean =>
    folders.some((folder) => line.includes(folder)) ||
    /\((node|bun|ext):|\(native\)|^\s+at (async )?(node|ext):/.test(line)
  const lines = stack.split('\n')
  const first = lines.findIndex((line) => /^\s+at /.test(line))
  if (first === -1) return error
  const caller = lines.findIndex((line, i) => i >= first && !isInternal(line))
  if (caller > first) error.stack = [...lines.slice(0, first), ...lines.slice(caller)].join('\n')
  return error
}
