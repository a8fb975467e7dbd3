/** The name of a runtime that is not Node but looks like it. */
export const otherRuntime: string | undefined = ['bun', 'deno'].find(
  (name) => name in process.versions,
)
