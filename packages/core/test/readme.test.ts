import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  [
    'cleaned up\ntrue\n',
    'true\nb\n',
    'in time\ntrue\n',
    'from the second mirror\n',
    '21.5\n0\n',
    'worked\ncleaned up\n',
    '3 7\n2\n',
    '{ schedules: 1000 }\n',
  ],
)
