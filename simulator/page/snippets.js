/** A login in five languages, with the address, the app and a code that are good now. */
import { act, pathOf } from './api.js'
import { byId, copy, element } from './dom.js'

/** @typedef {{ baseUrl: string, appId: string, appSecret: string, code: string }} Values */

/** @type {Record<string, (values: Values) => string>} */
const SNIPPETS = {
  curl: (values) => `curl '${urlOf(values)}'`,
  'Node.js': (values) => `const url = '${urlOf(values)}'
const response = await fetch(url)
console.log(JSON.parse(await response.text())) // { session_key, openid }`,
  Python: (values) => `import json, urllib.request

url = '${urlOf(values)}'
with urllib.request.urlopen(url) as response:
    print(json.load(response))  # session_key, openid`,
  PHP: (values) => `<?php
$url = '${urlOf(values)}';
print_r(json_decode(file_get_contents($url), true)); // session_key, openid`,
  Go: (values) => `package main

import (
	"fmt"
	"io"
	"net/http"
)

func main() {
	response, err := http.Get("${urlOf(values)}")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Println(string(body)) // session_key, openid
}`,
}

/** @type {Values} */
let values = { baseUrl: location.origin, appId: '', appSecret: '', code: 'CODE' }

export function startSnippets() {
  const choice = /** @type {HTMLSelectElement} */ (byId('snippet-language'))
  choice.append(...Object.keys(SNIPPETS).map((name) => element('option', {}, name)))
  choice.addEventListener('change', show)
  byId('copy-snippet').addEventListener('click', () => copy(byId('snippet').textContent ?? ''))
  byId('fresh-code').addEventListener('click', async () => {
    const first = document.querySelector('#users .user-name')?.textContent ?? 'alice'
    const answer = await act('POST', `${pathOf(first)}/code`)
    if (answer) useCode(answer.code)
  })
}

/** @param {string} code */
export function useCode(code) {
  values = { ...values, code }
  show()
}

/** @param {{ appId: string, appSecret: string }} app */
export function useApp({ appId, appSecret }) {
  values = { ...values, appId, appSecret }
  show()
}

function show() {
  const choice = /** @type {HTMLSelectElement} */ (byId('snippet-language'))
  const text = SNIPPETS[choice.value]?.(values) ?? ''
  // What has not changed stays selected, and where it was scrolled to.
  if (byId('snippet').textContent !== text) byId('snippet').textContent = text
}

/** @param {Values} values */
function urlOf({ baseUrl, appId, appSecret, code }) {
  const query = new URLSearchParams({
    appid: appId,
    secret: appSecret,
    js_code: code,
    grant_type: 'authorization_code',
  })
  return `${baseUrl}/sns/jscode2session?${query}`
}
