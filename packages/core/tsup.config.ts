import { readFileSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'tsup'
import { shared } from '../../tsup.shared.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const doors = ['index', 'lowlevel', 'testing']

/**
 * Writes the files that the package exports. Each one exports what the first compatible copy of the package has made:
 * `compatible-versions.ts` says why. Its twin for browsers has the same names, and says that the package does not run there.
 */
async function writeDoors(): Promise<void> {
  const write = (name: string, lines: string[]): void => {
    writeFileSync(`dist/${name}.js`, `${lines.join('\n')}\n`)
  }
  const imports = doors.map((door) => `import * as ${door} from './copy/${door}.js'`)
  write('doors', [
    `import './check-runtime.js'`,
    `import { shareEntryPoints } from './compatible-versions.js'`,
    ...imports,
    `export default shareEntryPoints('${version}', import.meta.url, { ${doors.join(', ')} })`,
  ])
  const message =
    "@tasktree/core does not run in browsers: it needs AsyncLocalStorage and process of Node, Bun, Deno or workerd's nodejs_compat. " +
    'A bundler or test runner that is not meant for browsers must not use the condition "browser"'
  for (const door of doors) {
    const made = (await import(`${process.cwd()}/dist/copy/${door}.js`)) as object
    const names = Object.keys(made).toSorted()
    write(door, [
      `import doors from './doors.js'`,
      `export const {\n${names.map((name) => `  ${name},`).join('\n')}\n} = doors.${door}`,
    ])
    write(`browser-${door}`, [
      `const refuse = () => {\n  throw new Error(${JSON.stringify(message)})\n}`,
      ...names.map((name) => `export const ${name} = refuse()`),
    ])
  }
}

export default defineConfig({
  ...shared,
  entry: {
    'check-runtime': 'src/check-runtime.ts',
    'compatible-versions': 'src/compatible-versions.ts',
    ...Object.fromEntries(doors.map((door) => [`copy/${door}`, `src/${door}.ts`])),
    // Not a door: it has no state of its own, and needs vitest, which a program does not have.
    vitest: 'src/vitest.ts',
  },
  external: ['@tasktree/core'],
  onSuccess: writeDoors,
})
