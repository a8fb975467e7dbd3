import { OSError } from '@tasktree/streams'
import {
  $,
  createSubprocessExec,
  createSubprocessShell,
  FileNotFoundError,
  ManagedProcess,
  PIPE,
  python,
  run,
} from '@tasktree/subprocess'
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

function folder(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'a folder-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('cwd may be a file URL in each function that starts a process', async () => {
  const path = folder()
  const cwd = pathToFileURL(path)
  const pipes = { cwd, stdout: PIPE } as const
  expect(await $({ cwd })`pwd`.text()).toBe(`${path}\n`)
  expect((await run('pwd', [], { cwd, encoding: 'utf8' })).stdout).toBe(`${path}\n`)
  for (const child of [createSubprocessExec('pwd', [], pipes), createSubprocessShell('pwd', pipes)])
    expect(String((await (await child).communicate())[0])).toBe(`${path}\n`)
  const lines: string[] = []
  writeFileSync(join(path, 'script'), 'import os\nprint(os.getcwd())')
  for (const managed of [
    new ManagedProcess('pwd', [], { cwd, onStdout: (line) => void lines.push(line) }),
    // Python looks for the script in `cwd`.
    python('script', [], { cwd, onStdout: (line) => void lines.push(line) }),
  ]) {
    await managed.start()
    expect(await managed.wait()).toBe(0)
  }
  expect(lines).toEqual([path, path])
})

test('a cwd that is a URL of another kind than file is refused at once', () => {
  expect(() => run('pwd', [], { cwd: new URL('http://example.org/') })).toThrow(
    new TypeError('cwd must be a path or a file: URL, got http://example.org/'),
  )
  expect(() => run('pwd', [], { cwd: new URL('file:///a%00b') })).toThrow(TypeError)
  expect(() => run('pwd', [], { cwd: {} as never })).toThrow('cwd must be a string')
})

test.each([
  ['a path that is too long', `/${'a'.repeat(5_000)}`, 'ENAMETOOLONG'],
  ['a name that is too long', `/tmp/${'a'.repeat(300)}`, 'ENAMETOOLONG'],
])('the error about %s as cwd names cwd and not the program', async (_, cwd, code) => {
  const error: unknown = await run('true', [], { cwd }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(OSError)
  expect(error).toMatchObject({ code, path: cwd, syscall: 'spawn' })
  expect((error as Error).message).toMatch(
    /^the path of the folder to run in, cwd, is too long: \//,
  )
})

test('the error about a cwd in a circle of links names the path of cwd', async () => {
  const path = join(folder(), 'circle')
  symlinkSync(path, path)
  await expect(run('true', [], { cwd: path })).rejects.toMatchObject({ code: 'ELOOP', path })
})

test('the error about a path of a program that is too long names the program', async () => {
  const program = `/${'a'.repeat(5_000)}`
  await expect(run(program)).rejects.toMatchObject({ code: 'ENAMETOOLONG', path: program })
  await expect(run('a'.repeat(300))).rejects.toBeInstanceOf(OSError)
})

test('the error about a missing program in an existing cwd names the program', async () => {
  const error: unknown = await run('no-such', [], { cwd: '/' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(FileNotFoundError)
  expect(error).toMatchObject({ path: 'no-such' })
})
