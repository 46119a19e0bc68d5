import { crc32, deflateSync } from 'node:zlib'

/** A square, all grey: a baseline JPEG of `width` pixels, whose blocks all say "as the one before". */
export function greyJpeg(width: number): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(width / 8) ** 2
  // Two bits for a block: no difference of brightness, and no detail. Ones fill the last byte.
  const bits = Buffer.alloc(Math.ceil((blocks * 2) / 8))
  const left = bits.length * 8 - blocks * 2
  bits[bits.length - 1] = (1 << left) - 1

  const quantisation = Buffer.concat([Buffer.of(0), Buffer.alloc(64, 16)])
  const frame = Buffer.of(8, width >> 8, width & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0)
  const oneCode = [1, ...Array<number>(15).fill(0), 0]
  return bytes([
    Buffer.of(0xff, 0xd8),
    segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1')),
    segment(0xdb, quantisation),
    segment(0xc0, frame),
    segment(0xc4, Buffer.of(0x00, ...oneCode)),
    segment(0xc4, Buffer.of(0x10, ...oneCode)),
    segment(0xda, Buffer.of(1, 1, 0x00, 0, 63, 0)),
    bits,
    Buffer.of(0xff, 0xd9),
  ])
}

function segment(marker: number, content: Buffer): Buffer {
  const length = content.length + 2
  return Buffer.concat([Buffer.of(0xff, marker, length >> 8, length & 0xff), content])
}

/** A square, all transparent: a PNG of `width` pixels. */
export function transparentPng(width: number): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(width, 4)
  // Eight bits each of red, green, blue and alpha.
  header.set([8, 6, 0, 0, 0], 8)
  const rows = Buffer.alloc((1 + width * 4) * width)
  return bytes([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, sum])
}

function bytes(parts: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts))
}
