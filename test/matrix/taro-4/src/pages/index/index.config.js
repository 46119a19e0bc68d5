export default { navigationBarTitleText: 'taro-4' }
