/** The name of a runtime other than Node; undefined on Node. */
export const otherRuntime: string | undefined = ['bun', 'deno'].find(
  (name) => name in process.versions,
)
