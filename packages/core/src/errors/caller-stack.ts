/**
 * The folder of this package, in each form in which a line of `error.stack` may contain it. `startAtCaller` removes the
 * stack frames of the files in this folder. The list is empty if this module has no `import.meta.url`, as in a bundle
 * for workerd.
 */
const ownFolders = foldersOf(import.meta.url)

/**
 * Returns the folder of the package to which the module with the address `url` belongs: with percent escapes (as in an
 * address) and without them (as in a path), because a line of `error.stack` may contain either form.
 */
function foldersOf(url: string | undefined): string[] {
  if (url === undefined) return []
  // Some tools set `import.meta.url` to a path and not to an address. The last `dist` or `src` in it is the folder of the
  // package: a program itself may be in a folder such as `/usr/src/app`.
  const folder = url.replace(/^file:\/\//, '').replace(/^(.*)\/(dist|src)\/.*$/, '$1/$2/')
  return [folder, decoded(folder), encodeURI(folder)]
}

function decoded(folder: string): string {
  try {
    return decodeURIComponent(folder)
  } catch {
    // The path contains a percent sign that is not part of an escape, so the path is used as it is.
    return folder
  }
}

/**
 * Removes the first stack frames from `error.stack`, as long as they belong to this package or to the runtime. So the
 * stack begins with the code that called the library. A stack that contains no other stack frame is not changed.
 * Returns `error`.
 *
 * A call costs about 5 microseconds, because V8 must write the stack as text. So do not use this function for errors
 * that are thrown often.
 *
 * @param url the `import.meta.url` of a module of the calling package; the stack frames of that package are removed too
 */
export function startAtCaller<E extends Error>(error: E, url?: string): E {
  const { stack } = error
  if (typeof stack !== 'string') return error
  const folders = [...ownFolders, ...foldersOf(url)]
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
