import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  [
    'first was alone\nthird was alone\n',
    '1 4 9 16\n',
    'job 1, job 2, job 3, job 4\n',
    '120000 ms\n',
  ],
)
