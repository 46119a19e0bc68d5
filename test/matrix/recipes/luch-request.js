import Request from 'luch-request'
import { createSession } from 'weapp-session-client'

// The calls as they are now: luch-request calls `uni.request`, which is about to be the session's.
const { login, getUserInfo, request, uploadFile, downloadFile } = uni
const { getStorageSync, setStorageSync, removeStorageSync, getAccountInfoSync } = uni

const session = createSession({
  baseUrl: 'https://api.example.com',
  wx: {
    ...{ login, getUserInfo, request, uploadFile, downloadFile },
    ...{ getStorageSync, setStorageSync, removeStorageSync, getAccountInfoSync },
  },
})
uni.request = session.request
uni.uploadFile = session.uploadFile
uni.downloadFile = session.downloadFile

export const http = new Request({ baseURL: 'https://api.example.com' })
