import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const home = new URL('../', import.meta.url)

const options =
  '--noEmit --strict --module nodenext --target es2022 --lib es2023,esnext.disposable --types node'

test.each(['typescript54', 'typescript55', 'typescript59', 'typescript60', 'typescript'])(
  'programs compile with %s',
  { tags: ['slow'] },
  async (compiler) => {
    const tsc = `node_modules/${compiler}/bin/tsc`
    // From version 6 on, a compiler that is given a file asks to be told that tsconfig.json does not count.
    const ignore = /typescript(60)?$/.test(compiler) ? ['--ignoreConfig'] : []
    const args = [tsc, ...options.split(' '), ...ignore, 'types/program.ts']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home }).catch(
      (error: { stdout: string }) => error,
    )
    // Older compilers do not know everything in the declarations of Node. What is ours they must know.
    const ours = stdout.split('\n').filter((line) => /^(\.\.\/packages|types)\//.test(line))
    expect(ours).toEqual([])
  },
)
