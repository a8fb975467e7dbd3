import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  ['look at the stock: a child\nlook for offers: a child, cancelled\ncheckout: a root\n'],
)
