// First: @mpxjs/fetch looks `wx.request` up when it is loaded.
import './session.js'
import { XFetch } from '@mpxjs/fetch'

export const xfetch = new XFetch()
