#!/bin/sh
# A test of a backend in the language that every machine has: it drives the simulator by its control API. $1: the base URL.
set -eu
base=$1
fail() { echo "$1" >&2; exit 1; }
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1; }

app=$(curl -sf "$base/simulator/app")
id=$(echo "$app" | field appId)
secret=$(echo "$app" | field appSecret)
exchange() {
  curl -s "$base/sns/jscode2session?appid=$id&secret=$secret&js_code=$1&grant_type=authorization_code"
}

# A login.
code=$(curl -sf -X POST "$base/simulator/users/alice/code" | field code)
openid=$(exchange "$code" | field openid)
[ "$openid" = "$(curl -sf "$base/simulator/users/alice" | field openId)" ] || fail 'another openid'

# A code is good once, and for five minutes.
[ "$(exchange "$code" | field errcode)" = 40163 ] || fail 'a code was good twice'
code=$(curl -sf -X POST "$base/simulator/users/alice/code" | field code)
curl -sf "$base/simulator/clock" -H 'Content-Type: application/json' -d '{ "advance": "5m" }' > /dev/null
[ "$(exchange "$code" | field errcode)" = 40029 ] || fail 'a code was good for too long'

# WeChat is busy, once.
curl -sf "$base/simulator/faults" -H 'Content-Type: application/json' -d '{ "fault": { "errcode": -1 } }' > /dev/null
code=$(curl -sf -X POST "$base/simulator/users/alice/code" | field code)
[ "$(exchange "$code" | field errcode)" = -1 ] || fail 'there was no fault'

# What the backend has called.
[ "$(curl -sf "$base/simulator/calls" | grep -c '"path": "/sns/jscode2session"')" = 4 ] || fail 'other calls'

curl -sf -X POST "$base/simulator/reset" > /dev/null
[ "$(curl -sf "$base/simulator/calls" | field last)" = 0 ] || fail 'no reset'
echo 'all is well'
