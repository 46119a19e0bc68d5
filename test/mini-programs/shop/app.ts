import { createCart } from './utils/cart'

App({ cart: createCart() })
