import type { ApiRequest } from '../answer.js'
import { type Backend, GAME_DOCS, WECHAT_HOST } from '../backend.js'
import { checkJson, type Endpoint, type Outcome, parse, refuse } from '../endpoint.js'
import { greyJpeg, transparentPng } from '../pictures.js'

/** Digits, letters and some signs, at most 32: the page of {@link qrCodeEndpoints}. */
const SCENE = /^[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+$/
const MAX_SCENE = 32

const NARROWEST = 280
const WIDEST = 1280
const WIDTH = 430

/** The picture of a mini program code. It is a picture, and no code: no phone can read it. */
export function qrCodeEndpoints({ tokens }: Backend): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/wxa/getwxacodeunlimit',
      host: WECHAT_HOST,
      does: 'the picture of a mini program code: JPEG, or PNG with `is_hyaline`',
      source: `${GAME_DOCS}/qr-code/wxacode.getUnlimited.html`,
      grade: 'documented',
      guess: 'which pages there are: only one that begins with / is missing; that it is JPEG was seen',
      limits: [{ max: 5000, per: 'minute', errcode: 45009 }],
      handle: getCode,
    },
  ]

  function getCode({ query, body }: ApiRequest): Outcome {
    const wrong = tokens.check(query.get('access_token')) || checkJson(body)
    if (wrong !== 0) return refuse(wrong === 47001 ? 40169 : wrong)
    const { scene, page, width = WIDTH, is_hyaline: isTransparent } = parse(body)
    if (typeof scene !== 'string' || scene === '') return refuse(40129)
    if (scene.length > MAX_SCENE) return refuse(40169)
    if (!SCENE.test(scene)) return refuse(40129)
    if (typeof page === 'string' && page.startsWith('/')) return refuse(41030)
    if (typeof width !== 'number' || !(width >= NARROWEST && width <= WIDEST)) return refuse(40097)
    return isTransparent === true
      ? { kind: 'file', contentType: 'image/png', bytes: transparentPng(Math.floor(width)) }
      : { kind: 'file', contentType: 'image/jpeg', bytes: greyJpeg(Math.floor(width)) }
  }
}
