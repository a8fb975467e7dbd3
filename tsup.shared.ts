import type { Options } from 'tsup'

/** How every package is built; a package adds its entries, and what it needs beyond this. */
export const shared: Options = {
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  removeNodeProtocol: false, // workerd, Deno and bundlers know Node's modules by their full names
  dts: false, // tsup 9 cannot emit declarations with TypeScript 7: `tsc -p tsconfig.build.json` does
  sourcemap: true,
  clean: true,
}
