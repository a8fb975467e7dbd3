import { defineConfig } from 'tsup'
import { shared } from '../../tsup.shared.ts'

export default defineConfig({
  ...shared,
  minify: true,
  treeshake: true, // merges the imports of the source files, a tenth of the package's size
})
