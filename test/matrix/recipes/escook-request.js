import './session.js'
import { $http } from '@escook/request-miniprogram'

$http.baseUrl = 'https://api.example.com'

export { $http }
