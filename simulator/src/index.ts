export { type Clock, createClock } from './clock.js'
export type { CloudRun, CloudRunOptions } from './cloud/environments.js'
export type { PublicCallOptions, PublicCallResult } from './cloud/public-call.js'
export type { TlsFiles } from './control/listeners.js'
export { createSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from './control/server.js'
export type { ChosenAvatar, PhoneNumberDetail, TapPhoneNumberOptions } from './phone/buttons.js'
export type { Privacy } from './phone/consent.js'
export type { PhoneSystem } from './phone/device.js'
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
  WxQy,
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
export type {
  AppBaseInfo,
  DeviceInfo,
  LaunchOptions,
  SystemInfo,
  WindowInfo,
  WxDeviceApis,
} from './phone/wx-device-apis.js'
export type { WxGlobalSocketApis } from './phone/wx-global-socket-apis.js'
export type { UserInfoMode } from './phone/wx-login.js'
export type { BackgroundFetchData, WxPrefetchApis } from './phone/wx-prefetch-apis.js'
export type {
  AuthSetting,
  GetSettingResult,
  LatestUserKey,
  PluginLoginResult,
  PrivacySetting,
  ResolvePrivacy,
  UserCryptoManager,
  WeRunData,
  WxUserApis,
} from './phone/wx-user-apis.js'
export type { Risk } from './servers/accounts.js'
export type { ApiCall } from './servers/api.js'
export type { Component, ComponentOptions } from './servers/component.js'
export type { ComponentPush, ComponentPushOptions } from './servers/component-push.js'
export type { EndpointFacts, EndpointInfo, Grade, Limit } from './servers/endpoint.js'
export type { Platform } from './servers/endpoints.js'
export type { Fault, FaultOptions } from './servers/faults.js'
export type { PushMessage, PushResult } from './servers/message-sender.js'
export type { MessagePush, MessagePushOptions } from './servers/push.js'
export type { UserProfile } from './user-info.js'
export { createWechat, type PhoneUser, type Wechat, type WechatOptions } from './wechat.js'
