/**
 * Converts values to bytes and back, for the pipes of worker processes. With `node:v8` alone, a received typed array
 * would share its buffer with the rest of its message, and shared memory would be copied silently.
 */
import { DefaultDeserializer, DefaultSerializer } from 'node:v8'
import { describe } from '@tasktree/core/lowlevel'

/**
 * Methods that subclasses of the serializer and the deserializer may override. The documentation of node:v8 describes
 * these methods, but its types do not declare them.
 */
interface HostObjectWriter extends DefaultSerializer {
  _writeHostObject(value: object): void
}
interface HostObjectReader extends DefaultDeserializer {
  _readHostObject(): unknown
}
const BaseSerializer = DefaultSerializer as unknown as new () => HostObjectWriter
const BaseDeserializer = DefaultDeserializer as unknown as new (bytes: Buffer) => HostObjectReader

class ValueSerializer extends BaseSerializer {
  override _writeHostObject(value: object): void {
    if (ArrayBuffer.isView(value) && value.buffer instanceof SharedArrayBuffer) {
      throw new TypeError(
        `${describe(value)} over shared memory could not be cloned: processes do not share memory`,
      )
    }
    super._writeHostObject(value)
  }
}

class ValueDeserializer extends BaseDeserializer {
  override _readHostObject(): unknown {
    const view = super._readHostObject() as NodeJS.ArrayBufferView
    return view.byteLength === view.buffer.byteLength ? view : copyView(view)
  }
}

function copyView(view: NodeJS.ArrayBufferView): NodeJS.ArrayBufferView {
  if (Buffer.isBuffer(view)) {
    const copy = Buffer.allocUnsafeSlow(view.length)
    view.copy(copy)
    return copy
  }
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)
  const View = view.constructor as new (buffer: ArrayBufferLike) => NodeJS.ArrayBufferView
  return new View(bytes)
}

/** Returns `value` as bytes. @throws when `value` cannot be encoded, or when reading `value` throws */
export function encodeValue(value: unknown): Buffer {
  const serializer = new ValueSerializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** Returns the value that `bytes` encode. @throws when `bytes` cannot be decoded in this process */
export function decodeValue(bytes: Buffer): unknown {
  const deserializer = new ValueDeserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}
