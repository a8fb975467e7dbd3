import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  ['0 hello\nbanana\napple pie\n\n', 'running 0\n'],
)
