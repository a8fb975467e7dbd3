/**
 * The file that workers run, in the form that bundlers look for: they copy the file that such an expression names.
 * Beside this source it is a TypeScript file, beside the build it is JavaScript.
 */
export function findWorkerEntry(): URL {
  const entry = new URL('./worker-entry.js', import.meta.url)
  return import.meta.url.endsWith('.ts') ? new URL(entry.href.replace(/js$/, 'ts')) : entry
}
