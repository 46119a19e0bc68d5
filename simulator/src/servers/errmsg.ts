/**
 * The texts that WeChat puts next to its errcodes. Most are in its lists:
 * developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
 */
const ERRMSG: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  // Their spelling: api_checkencrypteddata.
  1: 'data not exit',
  1007: 'openpid not exist',
  40001:
    'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40129: 'invalid scene',
  40163: 'code been used',
  40164: 'invalid ip 127.0.0.1, not in whitelist',
  40169: 'invalid length for scene, or the data is not json string',
  40226: 'code blocked',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  41018: 'missing component_appid',
  41030: 'invalid page',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  43104: 'appid not match openid',
  44002: 'empty post data',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48006: 'forbid to clear quota because of reaching the limit',
  61003: 'component is not authorized by this account',
  61006: 'component ticket is invalid',
  61010: 'code is expired',
  61011: 'invalid component',
  61023: 'refresh_token is invalid',
  76021: 'cgi_path not found, please check',
  76022: 'could not use this cgi_path, no permission',
  87008: 'invalid sig_method',
  87009: 'invalid signature',
  89002: 'open not exists',
  89300: 'invalid order',
}

/** Said of the access_tokens of `sns/*`, which the stable token is none of. */
const SNS_ERRMSG: Readonly<Record<number, string>> = {
  40001: 'invalid credential, access_token is invalid or not latest',
}

/** WeChat's text for an errcode, as the part of its API that this path belongs to says it. */
export function errmsgOf(errcode: number, path: string): string {
  return (isSns(path) ? SNS_ERRMSG[errcode] : undefined) ?? ERRMSG[errcode] ?? 'error'
}

/** `sns/*` is another system of WeChat's than the rest, with texts and content types of its own. */
export function isSns(path: string): boolean {
  return path.startsWith('/sns/')
}
