// Loaded before an SDK (node --require): its connections to WeChat's hosts, whose names it has in its code, end at a server of
// this machine. TLS stays as it is: the certificate is checked for the name that the SDK asked for.
const tls = require('node:tls')

const hosts = ['api.weixin.qq.com', 'qyapi.weixin.qq.com']
const port = Number(process.env.SIMULATOR_TLS_PORT)
const connect = tls.connect

tls.connect = (...args) => {
  const options = args.find((arg) => typeof arg === 'object' && arg !== null)
  const host = options?.host ?? options?.hostname
  if (!hosts.includes(host)) return connect(...args)
  return connect(
    { ...options, servername: host, host: '127.0.0.1', port },
    ...args.filter((arg) => arg !== options),
  )
}
