import Taro from '@tarojs/taro'
import { createSession } from 'weapp-session-client'

export const session = createSession({ baseUrl: 'https://api.example.com', wx: Taro })
