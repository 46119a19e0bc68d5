import { createSession } from 'weapp-session-client'

// The session keeps the calls as they are: `wx.request` is about to be its own.
export const session = createSession({ baseUrl: 'https://api.example.com', wx: { ...wx } })

// An assignment would not do: WeChat's `wx` may be read only.
Object.defineProperty(wx, 'request', { configurable: true, value: session.request })
