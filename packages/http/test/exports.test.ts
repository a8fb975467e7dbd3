import * as http from '@tasktree/http'
import * as express from '@tasktree/http/express'
import * as fastify from '@tasktree/http/fastify'
import * as hono from '@tasktree/http/hono'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect([http, express, fastify, hono].map((door) => Object.keys(door))).toMatchInlineSnapshot(`
    [
      [
        "connection",
        "BodyTooLargeError",
        "ClientGoneError",
        "ServerStoppedError",
        "HttpServer",
        "nodeHandler",
        "ready",
        "Response",
        "serve",
        "fetch",
        "shutdownOn",
        "sse",
      ],
      [
        "requestScope",
        "ignoreCancelled",
      ],
      [
        "fastifyScope",
      ],
      [
        "honoScope",
      ],
    ]
  `)
})
