import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  ['25\n168\n1229\n', '1\n4\n9\nthat is all\n', 'true\n42\n'],
)
