export { type Clock, createClock } from './clock.js'
export type { CloudRun, CloudRunOptions } from './cloud/environments.js'
export type { PublicCallOptions, PublicCallResult } from './cloud/public-call.js'
export type { TlsFiles } from './control/listeners.js'
export { createSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from './control/server.js'
export type { GatewayAccess, GatewaySetting } from './phone/gateway.js'
export type { Mishap, MishapOf, WxApi } from './phone/mishaps.js'
export type { Phone, PhoneOptions, Prefetch, UserIdentity } from './phone/phone.js'
export type {
  AppShow,
  Callbacks,
  ConnectSocketOptions,
  DownloadFileOptions,
  DownloadFileResult,
  EnvVersion,
  GetRandomValuesOptions,
  GetStorageOptions,
  GetUserInfoOptions,
  GetUserInfoResult,
  GetUserProfileOptions,
  HeadersReceived,
  LoginOptions,
  LoginResult,
  NetworkStatus,
  Progress,
  RemoveStorageOptions,
  RequestOptions,
  RequestResult,
  RequestTask,
  SetStorageOptions,
  SocketClosed,
  SocketCloseOptions,
  SocketSendOptions,
  SocketTask,
  TransferTask,
  UploadFileOptions,
  UploadFileResult,
  Wx,
  WxFailure,
  WxSuccess,
} from './phone/wx.js'
export type {
  CallContainerOptions,
  CallContainerResult,
  Cloud,
  CloudInitOptions,
  CloudOptions,
  Gateway,
  GatewayCallOptions,
  WxCloud,
} from './phone/wx-cloud.js'
export type { UserInfoMode } from './phone/wx-login.js'
export type { ApiCall } from './servers/api.js'
export type { Fault, FaultOptions } from './servers/faults.js'
export type { UserProfile } from './user-info.js'
export { createWechat, type PhoneUser, type Wechat, type WechatOptions } from './wechat.js'
