import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import {
  Body,
  Controller,
  Get,
  Header,
  HttpException,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  StreamableFile,
} from '@nestjs/common'
import { wxSession, wxUser } from 'koa-weapp-session/bridge'
import { put, take } from './shop'

const OWN = { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' }

/** Fastify's reply, or the response of Express. */
type Reply = ServerResponse & { raw?: ServerResponse; hijack?(): void }

@Controller()
export class HomeController {
  @Get('me')
  me(@Req() request: object) {
    return { user: wxUser(request) }
  }

  @Get('throws')
  throws() {
    throw new Error('planted: a handler has thrown')
  }

  @Get('not-found')
  notFound() {
    throw new HttpException('planted', 404)
  }

  @Get('redirects')
  @Redirect('/me', 302)
  redirects() {}

  @Get('streams')
  streams() {
    return new StreamableFile(Readable.from([Buffer.from('one '), Buffer.from('two')]), {
      type: 'text/plain',
    })
  }

  @Get('own-cookie')
  @Header('Set-Cookie', OWN['Set-Cookie'])
  @Header('Cache-Control', OWN['Cache-Control'])
  ownCookie(@Req() request: object) {
    return { user: wxUser(request) }
  }

  @Get('by-hand')
  byHand(@Res() reply: Reply) {
    reply.hijack?.()
    const response = reply.raw ?? reply
    response.writeHead(200, OWN)
    response.end('by hand')
  }

  @Get('by-hand-from-a-list')
  byHandFromAList(@Res() reply: Reply) {
    reply.hijack?.()
    const response = reply.raw ?? reply
    response.writeHead(200, 'OK', Object.entries(OWN).flat())
    response.end('by hand')
  }

  @Get('refused')
  async refused(@Req() request: object) {
    await wxSession(request)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
  }

  @Get('rotates-and-throws')
  async rotatesAndThrows(@Req() request: object) {
    await wxSession(request)?.rotate()
    throw new Error('planted: a handler has thrown after rotate()')
  }

  @Get('ends-and-is-gone')
  async endsAndIsGone(@Req() request: object) {
    await wxSession(request)?.destroy()
    throw new HttpException('planted', 410)
  }

  @Get('puts')
  puts(@Req() request: object, @Query('key') key: string) {
    return put(wxSession(request), key)
  }

  @Get('puts-and-fails')
  async putsAndFails(@Req() request: object, @Query('key') key: string) {
    await put(wxSession(request), key)
    throw new HttpException('planted', 404)
  }

  @Get('takes')
  takes(@Req() request: object, @Query('key') key: string) {
    return take(wxSession(request), wxUser(request), key)
  }

  @Post('echo')
  echo(@Req() request: object, @Body() body: unknown) {
    return { user: wxUser(request), body }
  }

  @Get('never')
  never() {
    return new Promise(() => {})
  }
}
