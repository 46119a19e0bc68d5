import { logIn } from './login.mjs'

logIn().then((came) => {
  console.log(JSON.stringify(came))
})
