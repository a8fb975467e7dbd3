import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/express.ts', 'src/fastify.ts', 'src/hono.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  dts: false, // tsup 9 cannot emit declarations with TypeScript 7: `tsc -p tsconfig.build.json` does
  minify: true,
  treeshake: true, // merges the imports of the source files, a tenth of the package's size
  sourcemap: true,
  clean: true,
})
