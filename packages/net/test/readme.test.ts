import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  ['Received "Hello World!"\nBack came "Hello World!"\n'],
)
