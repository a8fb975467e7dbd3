import * as net from '@tasktree/net'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(net)).toMatchInlineSnapshot(`
    [
      "createConnection",
      "openConnection",
      "createDatagramEndpoint",
      "DatagramTransport",
      "DatagramSocket",
      "createServer",
      "Server",
      "startServer",
      "Transport",
      "CertificateError",
      "TlsError",
      "AddressInUseError",
      "BrokenPipeError",
      "ConnectionRefusedError",
      "ConnectionResetError",
      "GaiError",
      "IncompleteReadError",
      "LimitOverrunError",
      "OSError",
      "StreamReader",
      "StreamWriter",
    ]
  `)
})
