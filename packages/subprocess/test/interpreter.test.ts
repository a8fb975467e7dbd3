import {
  FileNotFoundError,
  NotADirectoryError,
  PermissionError,
  run,
  STDOUT,
} from '@tasktree/subprocess'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

/** Makes a folder with scripts whose first lines name the given interpreters. */
function scripts(interpreters: Record<string, string>): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'scripts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, interpreter] of Object.entries(interpreters))
    writeFileSync(join(folder, name), `#!${interpreter}\necho hello\n`, { mode: 0o755 })
  return folder
}

test.each([
  ['is missing', '/no/such/sh', '/no/such/sh'],
  ['is missing and has an argument', ' /no/such/sh -e', '/no/such/sh'],
  ['ends with the \\r of Windows', '/bin/sh\r', '/bin/sh\\r'],
  ['is relative and missing', './sh', './sh'],
  ['is looked for in no PATH', 'sh', 'sh'],
])(
  'the error about a script whose interpreter %s names the interpreter',
  async (_, line, shown) => {
    const folder = scripts({ script: line })
    const script = join(folder, 'script')
    const calls = [
      run(script),
      run(script, [], { stdout: 'inherit', stderr: STDOUT }),
      run('./script', [], { cwd: folder }),
      run('script', [], { env: { PATH: `/no/such:${folder}` } }),
    ]
    for (const call of calls) {
      const error = await thrown(call)
      expect(error).toBeInstanceOf(FileNotFoundError)
      expect(error).toMatchObject({
        code: 'ENOENT',
        path: JSON.parse(`"${shown}"`) as string,
        message: `no such program: ${shown}, the interpreter of ${script}`,
      })
    }
  },
)

test('the error about a script whose interpreter is a script names the missing interpreter of that script', async () => {
  const folder = scripts({ inner: '/no/such/sh' })
  writeFileSync(join(folder, 'outer'), `#!${folder}/inner\n`, { mode: 0o755 })
  expect(await thrown(run(join(folder, 'outer')))).toMatchObject({
    path: '/no/such/sh',
    message: `no such program: /no/such/sh, the interpreter of ${folder}/inner`,
  })
})

test('the error about a script whose interpreter is a folder, or in no folder, names the interpreter', async () => {
  const folder = scripts({ 'a folder': '/tmp', 'not a folder': '/bin/sh/sh' })
  const refused = await thrown(run(join(folder, 'a folder')))
  expect(refused).toBeInstanceOf(PermissionError)
  expect(refused).toMatchObject({ code: 'EACCES', path: '/tmp' })
  const noFolder = await thrown(run(join(folder, 'not a folder')))
  expect(noFolder).toBeInstanceOf(NotADirectoryError)
  expect(noFolder).toMatchObject({ code: 'ENOTDIR', path: '/bin/sh/sh' })
})

test('the error about a missing program, or a script without the right to run, names the program', async () => {
  const folder = scripts({})
  const script = join(folder, 'script')
  writeFileSync(script, '#!/no/such/sh\n', { mode: 0o644 })
  expect(await thrown(run(script))).toMatchObject({
    code: 'EACCES',
    path: script,
    message: `not allowed to run: ${script}`,
  })
  expect(await thrown(run('no-such-program'))).toMatchObject({
    path: 'no-such-program',
    message: 'no such program on PATH: no-such-program',
  })
})

test('the error about a binary whose loader is missing differs from that about a missing program', async () => {
  const folder = scripts({})
  const binary = join(folder, 'binary')
  // A binary contains the path of its loader, such as /lib64/ld-linux-x86-64.so.2. The test changes this path.
  const bytes = readFileSync('/bin/true')
  bytes.write('/no-', bytes.indexOf('/ld-'))
  writeFileSync(binary, bytes, { mode: 0o755 })
  expect(await thrown(run(binary))).toMatchObject({
    code: 'ENOENT',
    path: binary,
    message: `the loader that ${binary} needs does not exist`,
  })
})

test('a file on PATH that may not be run is the fault, and not a script with a missing interpreter', async () => {
  const folder = scripts({ tool: '/no/such/sh' })
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin', 'tool'), '#!/bin/sh\n', { mode: 0o644 })
  const env = { PATH: `${folder}:${folder}/bin` }
  expect(await thrown(run('tool', [], { env }))).toMatchObject({
    code: 'EACCES',
    path: 'tool',
    message: 'not allowed to run: tool',
  })
})

test('a program that is missing is named although the folder of this program was removed', async () => {
  const before = process.cwd()
  const folder = mkdtempSync(join(tmpdir(), 'gone-'))
  process.chdir(folder)
  rmSync(folder, { recursive: true })
  try {
    expect(await thrown(run('./tool'))).toBeInstanceOf(FileNotFoundError)
    const env = { PATH: 'bin' }
    expect(await thrown(run('tool', [], { env }))).toBeInstanceOf(FileNotFoundError)
  } finally {
    process.chdir(before)
  }
})
