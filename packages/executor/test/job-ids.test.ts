import { jobs, JobRef, ThreadPoolExecutor } from '@tasktree/executor'
import { moduleName, referTo } from '@tasktree/executor/lowlevel'
import { expect, test } from 'vitest'

type Images = { resize: (width: number) => number }

test('the id of a job reference is made of the file name of its module and the name of the export', () => {
  const { resize } = jobs<Images>(new URL('file:///app/src/images.ts'))
  expect(resize.id).toBe('images#resize')
  expect(jobs<Images>('file:///app/src/my%20images.test.js').resize.module).toBe('my-images.test')
  expect(jobs<Images>('file:///').resize.module).toBe('index')
  expect(jobs<Images>('data:text/javascript,export{}').resize.module).toBe('data')
})

test('jobs() takes a name and a version of the module for the ids of its references', () => {
  const url = new URL('file:///app/images.js')
  expect(jobs<Images>(url, { id: 'pictures' }).resize.id).toBe('pictures#resize')
  expect(jobs<Images>(url, { version: '2' }).resize.id).toBe('images@2#resize')
  expect(moduleName('a', 'b')).toBe('a@b')
})

test.each(['a b', 'a#b', 'a@b', '', 7])(
  'jobs() refuses %j as the id or version of a module',
  (id) => {
    const url = new URL('file:///app/images.js')
    expect(() => jobs(url, { id: id as string })).toThrow(/the id of a module must be a text/)
    expect(() => jobs(url, { version: id as string })).toThrow(/the version of a module/)
  },
)

test('a pool refuses a job reference that names its module only by an id, as remoteJobs() makes it', async () => {
  await using pool = new ThreadPoolExecutor()
  const { resize } = referTo<Images>(null, 'images')
  expect(resize).toBeInstanceOf(JobRef)
  expect(() => pool.submit(resize, 1)).toThrow(/images#resize was made by remoteJobs\(\)/)
})
