import { createSession } from 'weapp-session-client'

export const session = createSession({ baseUrl: 'https://api.example.com' })
