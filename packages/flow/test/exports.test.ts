import * as flow from '@tasktree/flow'
import { expect, test } from 'vitest'

test('the package exports exactly this list of names', () => {
  expect(Object.keys(flow)).toMatchInlineSnapshot(`
    [
      "constant",
      "exponential",
      "CircuitBreaker",
      "debounce",
      "BusyError",
      "CircuitOpenError",
      "EventOverflowError",
      "exhaust",
      "forEach",
      "hedge",
      "latest",
      "map",
      "mapStream",
      "on",
      "once",
      "poll",
      "queued",
      "retry",
      "singleFlight",
      "throttle",
      "ticker",
    ]
  `)
})
