/**
 * Values as bytes, for the pipes of worker processes. `node:v8` alone would let a received typed array share its
 * buffer with the rest of its message, and would copy shared memory silently.
 */
import { DefaultDeserializer, DefaultSerializer } from 'node:v8'
import { describe } from '@tasktree/core/lowlevel'

/** Documented in node:v8 for classes that extend these, and missing in its types. */
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

/** @throws what `value` throws while it is read, or an error for what cannot be encoded */
export function encodeValue(value: unknown): Buffer {
  const serializer = new ValueSerializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** @throws an error for bytes that cannot be decoded here */
export function decodeValue(bytes: Buffer): unknown {
  const deserializer = new ValueDeserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}
