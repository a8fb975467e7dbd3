/** The name of the runtime if it is Bun or Deno; undefined on Node. */
export const otherRuntime: string | undefined = ['bun', 'deno'].find(
  (name) => name in process.versions,
)
