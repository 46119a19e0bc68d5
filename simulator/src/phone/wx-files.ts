import { randomUUID } from 'node:crypto'

import type { App } from './app.js'
import { type Failure, failure } from './callbacks.js'
import type { Message } from './http-client.js'
import type { Network } from './network.js'
import { addressOf, headersOf, type Sender, textOf, withContentType } from './outgoing.js'
import { startTransfer } from './transfer.js'
import type {
  DownloadFileOptions,
  DownloadFileResult,
  UploadFileOptions,
  UploadFileResult,
  Wx,
} from './wx.js'

/** `wx.uploadFile()` and `wx.downloadFile()`, from and to the files of the phone. */
export function fileApis(phone: {
  app: App
  network: Network
  sender: Sender
  files: Map<string, Buffer>
}): Pick<Wx, 'uploadFile' | 'downloadFile'> {
  const { sender, files } = phone

  return {
    uploadFile(options) {
      return startTransfer<UploadFileResult>(phone, {
        api: 'uploadFile',
        callbacks: options,
        timeout: options.timeout,
        reportsChunks: false,
        message: () => uploadOf(options),
        result: ({ statusCode, body }) => ({ statusCode, data: new TextDecoder().decode(body) }),
      })
    },

    downloadFile(options) {
      return startTransfer<DownloadFileResult>(phone, {
        api: 'downloadFile',
        callbacks: options,
        timeout: options.timeout,
        reportsChunks: false,
        message: () => downloadOf(options),
        result({ statusCode, body }) {
          const path = options.filePath ?? `wxfile://tmp_${randomUUID()}`
          files.set(path, body)
          return { statusCode, ...(options.filePath ? { filePath: path } : { tempFilePath: path }) }
        },
      })
    },
  }

  function uploadOf({ url, filePath, name, formData, header }: UploadFileOptions): Message | Failure {
    const address = addressOf('uploadFile', url, sender)
    if ('failure' in address) return address
    const file = files.get(filePath)
    if (file === undefined) return failure('uploadFile', `no such file "${filePath}"`)

    const boundary = randomUUID()
    const fields = Object.entries(formData ?? {}).map(([field, value]) =>
      part(boundary, field, textOf(value)),
    )
    const filename = filePath.slice(filePath.lastIndexOf('/') + 1)
    return {
      method: 'POST',
      url: address,
      headers: withContentType(headersOf(header, sender), `multipart/form-data; boundary=${boundary}`),
      body: Buffer.concat([
        ...fields,
        part(boundary, name, file, filename),
        Buffer.from(`--${boundary}--\r\n`),
      ]),
      followsRedirects: false,
    }
  }

  function downloadOf({ url, header }: DownloadFileOptions): Message | Failure {
    const address = addressOf('downloadFile', url, sender)
    if ('failure' in address) return address
    return {
      method: 'GET',
      url: address,
      headers: headersOf(header, sender),
      body: undefined,
      followsRedirects: true,
    }
  }
}

/** One field of a form (RFC 7578); with a file name, a file. */
function part(boundary: string, name: string, content: string | Buffer, filename?: string): Buffer {
  const file = filename === undefined ? '' : `; filename="${quoted(filename)}"`
  const type = filename === undefined ? '' : 'Content-Type: application/octet-stream\r\n'
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\n${type}\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')])
}

function quoted(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}
