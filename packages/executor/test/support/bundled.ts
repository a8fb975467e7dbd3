/** Returns the URL of a file that `bundle.ts` has made before the tests. */
export function bundled(name: string): URL {
  return new URL(`../../node_modules/.cache/bundled/${name}`, import.meta.url)
}
