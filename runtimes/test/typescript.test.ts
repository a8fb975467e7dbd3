import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const home = new URL('../', import.meta.url)

const compilers = ['typescript54', 'typescript55', 'typescript59', 'typescript60', 'typescript']

/**
 * Compiles the files and returns the errors in the programs of `runtimes/types` and in the declarations of the packages. Other errors
 * are left out, because an older compiler does not know everything in the declarations of Node.
 */
async function compile(compiler: string, options: string, ...files: string[]): Promise<string[]> {
  // From TypeScript 6 on, `tsc file.ts` fails in a folder with a tsconfig.json, unless `--ignoreConfig` is given.
  const ignore = /typescript(60)?$/.test(compiler) ? ['--ignoreConfig'] : []
  const always =
    '--noEmit --strict --target es2022 --lib es2023,esnext.disposable --types node'.split(' ')
  const tsc = `node_modules/${compiler}/bin/tsc`
  const args = [tsc, ...always, ...options.split(' '), ...ignore, ...files]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home }).catch(
    (error: { stdout: string }) => error,
  )
  return stdout.split('\n').filter((line) => /^(\.\.\/packages|types)\//.test(line))
}

test.each(compilers)(
  '%s compiles programs with every package, as Node resolves modules',
  { tags: ['slow'] },
  async (compiler) => {
    const files = ['types/program.ts', 'types/every-package.ts', 'types/commonjs.cts']
    const said = await compile(compiler, '--module nodenext', ...files)
    // TS1479 says that a CommonJS module cannot import an ES module. From TypeScript 5.8 on it can, as in Node.
    const refused = said.filter((line) => /^types\/commonjs\.cts.* TS1479: /.test(line))
    expect(said).toEqual(refused)
    expect(refused).toHaveLength(/5[45]$/.test(compiler) ? 2 : 0)
  },
)

test.each(compilers)(
  '%s compiles programs with every package, as bundlers resolve modules',
  { tags: ['slow'] },
  async (compiler) => {
    // `skipLibCheck` saves time: the test above has already checked the declarations.
    const options = '--module esnext --moduleResolution bundler --skipLibCheck'
    expect(await compile(compiler, options, 'types/every-package.ts')).toEqual([])
  },
)
