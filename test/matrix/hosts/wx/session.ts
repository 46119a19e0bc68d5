/// <reference types="miniprogram-api-typings" />
import { createSession, type Session } from 'weapp-session-client'

export const session: Session = createSession({ baseUrl: 'https://api.example.com', wx })
