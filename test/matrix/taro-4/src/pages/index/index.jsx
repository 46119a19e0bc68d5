import { Text } from '@tarojs/components'
import { useLoad } from '@tarojs/taro'
import { useState } from 'react'
import { session } from '../../session'

// The tests ask it for more.
getApp().session = session

export default function Index() {
  const [openId, setOpenId] = useState('nobody')

  useLoad(async () => {
    const { data } = await session.request({ url: '/me' })
    setOpenId(data.openId)
  })

  return <Text>{openId}</Text>
}
