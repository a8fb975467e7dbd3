import { shlex } from '@tasktree/subprocess'
import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

// The cases of CPython's test_shlex: a line, and the words into which it is split.
const cases = String.raw`
x|x|
foo bar|foo|bar|
 foo bar|foo|bar|
 foo bar |foo|bar|
foo   bar    bla     fasel|foo|bar|bla|fasel|
x y  z              xxxx|x|y|z|xxxx|
\x bar|x|bar|
\ x bar| x|bar|
\ bar| bar|
foo \x bar|foo|x|bar|
foo \ x bar|foo| x|bar|
foo \ bar|foo| bar|
foo "bar" bla|foo|bar|bla|
"foo" "bar" "bla"|foo|bar|bla|
"foo" bar "bla"|foo|bar|bla|
"foo" bar bla|foo|bar|bla|
foo 'bar' bla|foo|bar|bla|
'foo' 'bar' 'bla'|foo|bar|bla|
'foo' bar 'bla'|foo|bar|bla|
'foo' bar bla|foo|bar|bla|
blurb foo"bar"bar"fasel" baz|blurb|foobarbarfasel|baz|
blurb foo'bar'bar'fasel' baz|blurb|foobarbarfasel|baz|
""||
''||
foo "" bar|foo||bar|
foo '' bar|foo||bar|
foo "" "" "" bar|foo||||bar|
foo '' '' '' bar|foo||||bar|
\"|"|
"\""|"|
"foo\ bar"|foo\ bar|
"foo\\ bar"|foo\ bar|
"foo\\ bar\""|foo\ bar"|
"foo\\" bar\"|foo\|bar"|
"foo\\ bar\" dfadf"|foo\ bar" dfadf|
"foo\\\ bar\" dfadf"|foo\\ bar" dfadf|
"foo\\\x bar\" dfadf"|foo\\x bar" dfadf|
"foo\x bar\" dfadf"|foo\x bar" dfadf|
\'|'|
'foo\ bar'|foo\ bar|
'foo\\ bar'|foo\\ bar|
"foo\\\x bar\" df'a\ 'df"|foo\\x bar" df'a\ 'df|
\"foo|"foo|
\"foo\x|"foox|
"foo\x"|foo\x|
"foo\ "|foo\ |
foo\ xx|foo xx|
foo\ x\x|foo xx|
foo\ x\x\"|foo xx"|
"foo\ x\x"|foo\ x\x|
"foo\ x\x\\"|foo\ x\x\|
"foo\ x\x\\""foobar"|foo\ x\x\foobar|
"foo\ x\x\\"\'"foobar"|foo\ x\x\'foobar|
"foo\ x\x\\"\'"fo'obar"|foo\ x\x\'fo'obar|
"foo\ x\x\\"\'"fo'obar" 'don'\''t'|foo\ x\x\'fo'obar|don't|
"foo\ x\x\\"\'"fo'obar" 'don'\''t' \\|foo\ x\x\'fo'obar|don't|\|
'foo\ bar'|foo\ bar|
'foo\\ bar'|foo\\ bar|
foo\ bar|foo bar|
foo#bar\nbaz|foo|baz|
:-) ;-)|:-)|;-)|
áéíóú|áéíóú|
`
  .trim()
  .split('\n')
  .map((line) => line.split('|').slice(0, -1))
  .map(([line = '', ...words]) => ({ line: line.replace(String.raw`\n`, '\n'), words }))

test.each(cases)('shlex.split with comments gives the words of: $line', ({ line, words }) => {
  expect(shlex.split(line, { comments: true })).toEqual(words)
})

// The expected words were recorded from Python's shlex.split(line, posix=False).
test.each([
  [`foo "bar baz" 'x y'`, ['foo', '"bar baz"', "'x y'"]],
  [String.raw`a\ b`, ['a\\', 'b']],
  [`"foo"bar 'a''b'`, ['"foo"', 'bar', "'a'", "'b'"]],
  [`foo"bar baz"`, ['foo"bar', 'baz"']],
  [`don't`, ["don't"]],
  [`""`, ['""']],
  ['', []],
] as const)('shlex.split without posix gives the words of: %s', (line, words) => {
  expect(shlex.split(line, { posix: false })).toEqual(words)
})

test('shlex.split treats # as a comment only with the option comments', () => {
  expect(shlex.split('a #b c\nd')).toEqual(['a', '#b', 'c', 'd'])
  expect(shlex.split('a #b c\nd', { comments: true })).toEqual(['a', 'd'])
  expect(shlex.split('foo#bar\nbaz', { comments: true, posix: false })).toEqual(['foobaz'])
})

test('shlex.split throws for an open quotation or escape, and says where', () => {
  expect(() => shlex.split(`echo "a`)).toThrow(
    new RangeError(`no closing quotation for the " at 5 of echo "a`),
  )
  expect(() => shlex.split(`'a`, { posix: false })).toThrow(RangeError)
  expect(() => shlex.split('a\\')).toThrow(RangeError)
  expect(() => shlex.split('"a\\')).toThrow(RangeError)
})

test('an argument of shlex functions that is not a string throws TypeError', () => {
  expect(() => shlex.split(null as never)).toThrow(TypeError)
  expect(() => shlex.quote(3 as never)).toThrow(TypeError)
  expect(() => shlex.join('a' as never)).toThrow(TypeError)
  expect(() => shlex.join([1] as never)).toThrow(TypeError)
})

test('shlex.quote leaves safe words as they are and quotes others', () => {
  const safe = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_-+=:,./'
  expect(shlex.quote(safe)).toBe(safe)
  expect(shlex.quote('')).toBe("''")
  expect(shlex.quote('test file name')).toBe("'test file name'")
  for (const unsafe of '"`$\\!éàß') {
    expect(shlex.quote(`test${unsafe}name`)).toBe(`'test${unsafe}name'`)
    expect(shlex.quote(`test${unsafe}'name'`)).toBe(`'test${unsafe}'"'"'name'"'"''`)
  }
})

test('shlex.join quotes words that need quotes', () => {
  expect(shlex.join(['a ', 'b'])).toBe("'a ' b")
  expect(shlex.join(['a', ' b'])).toBe("a ' b'")
  expect(shlex.join(['a', ' ', 'b'])).toBe("a ' ' b")
  expect(shlex.join(['"a', 'b"'])).toBe(`'"a' 'b"'`)
})

test(
  'shlex.split gives back the random words that shlex.join has joined',
  { tags: ['slow'] },
  () => {
    for (const { words } of cases) expect(shlex.split(shlex.join(words))).toEqual(words)
    const words = fc.array(fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(words, (args) => {
        expect(shlex.split(shlex.join(args))).toEqual(args)
      }),
    )
  },
)

test('a real sh gives back the random words that shlex.join has joined', { tags: ['slow'] }, () => {
  const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 })
  fc.assert(
    fc.property(words, (args) => {
      const clean = args.map((arg) => arg.replaceAll('\0', ''))
      const line = `printf '%s\\0' ${shlex.join(clean)}`
      const output = execFileSync('sh', ['-c', line], { encoding: 'utf8' })
      expect(output.split('\0').slice(0, -1)).toEqual(clean)
    }),
    { numRuns: 60 },
  )
})
