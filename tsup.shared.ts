import type { Options } from 'tsup'

/** The build options that all packages share. The `tsup.config.ts` of a package may replace `entry` and add options. */
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
