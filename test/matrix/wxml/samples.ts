import type { Data, Files } from './render.js'

/** A template, the data that it gets, and how what we make of it differs from what wcc does, if it does. */
export interface Sample {
  name: string
  wxml: string
  data?: Data
  /** What it imports, includes and requires. */
  files?: Files
  /** Why it is not the same. */
  differs?: string
}

/** The kinds of things that stand in templates. */
export const SAMPLES: Sample[] = [
  {
    name: 'wx:if on a wx:for: the loop is outside',
    wxml: `<view wx:if="{{a}}" wx:for="{{l}}" wx:key="*this">{{item}}</view><view wx:for="{{l}}" wx:key="*this" wx:if="{{index === 1}}">{{item}}</view>`,
    data: { a: true, l: ['p', 'q'] },
  },
  {
    name: 'wx:if, wx:elif and wx:else',
    wxml: `<view wx:if="{{n > 2}}">big</view><view wx:elif="{{n > 1}}">mid</view><view wx:else>small</view><view wx:if="{{e}}">e</view><view wx:if="{{l}}">l</view><view wx:if="false">text</view><view wx:if="">empty</view>`,
    data: { n: 2, e: '', l: [] },
  },
  {
    name: 'wx:else after spaces and a comment',
    wxml: `<view wx:if="{{a}}">a</view>\n<!-- c -->\n<view wx:else>b</view>`,
    data: { a: false },
  },
  {
    name: 'wx:if in wx:if',
    wxml: `<view wx:if="{{a}}"><view wx:if="{{b}}">ab</view><view wx:else>a</view></view><view wx:else><text wx:if="{{b}}">b</text></view>`,
    data: { b: 1 },
  },
  {
    name: '<block>',
    wxml: `<block wx:for="{{l}}" wx:key="id"><block wx:if="{{item.on}}"><text>{{item.id}}</text>,</block><text wx:else>off</text></block>`,
    data: { l: [{ id: 1, on: true }, { id: 2 }] },
  },
  {
    name: 'spaces in text stay, between tags they go',
    wxml: `<view>  a  {{x}}  b  </view>\n  <text>  lead</text>\n\n<text>trail  </text> <text> {{x}} </text>`,
    data: { x: 'v' },
  },
  {
    name: 'new lines',
    wxml: `<text>one\n  two\n</text><text>\n</text><view>\r\n  <text>x</text>\r\n</view>`,
  },
  {
    name: 'hidden="{{false}}"',
    wxml: `<view hidden="{{false}}"/><view hidden/><view hidden="false"/><view hidden="{{h}}"/>`,
    data: { h: true },
  },
  {
    name: 'a method of data cannot be called',
    wxml: `<view>{{s.toUpperCase()}}|{{l.join('-')}}|{{n.toFixed(2)}}</view>`,
    data: { s: 'str', l: [1, 2], n: 1.5 },
  },
  {
    name: '<template> and its data',
    wxml: `<template name="t"><view>{{x}}-{{y}}-{{z}}</view></template><template is="t" data="{{x: 1, ...o}}"/><template is="{{name}}" data="{{x, y, z: n + 1}}"/><template is="none"/>`,
    data: { o: { y: 2, z: 3 }, name: 't', x: 'X', y: 'Y', n: 1 },
  },
  {
    name: '<template> sees its data alone',
    wxml: `<template name="a"><text>{{x}}|{{y}}</text></template><template is="a" data="{{y: 2}}"/>`,
    data: { x: 1 },
  },
  {
    name: '<template> with wx:if, wx:for and a name that is computed',
    wxml: `<template name="a"><text>A</text></template><template name="b"><text>B</text></template><template is="{{x ? 'a' : 'b'}}"/><template wx:if="{{x}}" is="a"/><template wx:for="{{[1, 2]}}" wx:key="*this" is="b" />`,
    data: { x: 1 },
  },
  {
    name: '<template> in itself',
    wxml: `<template name="tree"><view>{{node.name}}<template wx:for="{{node.kids}}" wx:key="name" is="tree" data="{{node: item}}"/></view></template><template is="tree" data="{{node: root}}"/>`,
    data: { root: { name: 'a', kids: [{ name: 'b', kids: [] }] } },
    differs: 'wcc stops at the first template within itself; WeChat’s framework goes on.',
  },
  {
    name: '<wxs> in the template',
    wxml: `<wxs module="m">var k = 2; module.exports = { f: function (x) { return x * k }, up: function (s) { return s.toUpperCase() }, c: 5, l: [1, 2] }</wxs><view wx:for="{{m.l}}" wx:key="*this">{{item}}</view><view>{{m.f(n)}} {{m.up(s)}} {{m.c}} {{m.none}}</view>`,
    data: { n: 3, s: 'abc' },
  },
  {
    name: '<wxs>: constructor, getRegExp() and getDate()',
    wxml: `<wxs module="m">module.exports = { c: function (x) { return x.constructor }, l: function (x) { return x.l[0].constructor === 'Number' }, r: function (s) { return s.replace(getRegExp('[a-c]', 'g'), '*') }, y: getDate(2020, 1, 1).getFullYear() }</wxs><view>{{m.c(l)}} {{m.c(o)}} {{m.c(s)}} {{m.c(1)}} {{m.c(true)}} {{m.l({ l: [1] })}} {{m.r(s)}} {{m.y}}</view>`,
    data: { l: [], o: {}, s: 'abcd' },
  },
  {
    name: '<wxs src>, and require() in it',
    wxml: `<wxs src="./u/a.wxs" module="u"/><view wx:for="{{u.evens(l)}}" wx:key="*this">{{u.pad(item)}}</view>`,
    data: { l: [1, 2, 4] },
    files: {
      'u/a.wxs': `var b = require('./b.wxs');\nfunction evens(l) { return l.filter(function (x) { return x % 2 === 0 }) }\nmodule.exports = { evens: evens, pad: b.pad };`,
      'u/b.wxs': `module.exports.pad = function (x) { return ('0' + x).slice(-2) };`,
    },
  },
  {
    name: 'values that <wxs> is given',
    wxml: `<wxs module="m">module.exports = { t: function (x) { return typeof x + ':' + (x === undefined) + x } }</wxs><view>{{m.t(a)}} {{m.t(b)}} {{m.t(null)}} {{m.t(c)}}</view>`,
    data: { a: null, c: [1] },
  },
  {
    name: '<import>',
    wxml: `<import src="./p/i.wxml"/><template is="card" data="{{...item}}"/>`,
    data: { item: { t: 'T', b: 'B' } },
    files: {
      'p/i.wxml': `<template name="card"><view class="card">{{t}}<text>{{b}}</text></view></template><view>not me</view>`,
    },
  },
  {
    name: '<include>',
    wxml: `<include src="./p/head.wxml"/><view>{{x}}</view><include src="./p/head.wxml"/>`,
    data: { x: '1' },
    files: { 'p/head.wxml': `<template name="z"><view/></template><view>head {{x}}</view>` },
  },
  {
    name: '<include> from the root',
    wxml: `<include src="/p/head.wxml"/>`,
    data: { x: '1' },
    files: { 'p/head.wxml': `<view>head {{x}}</view>` },
    differs: 'wcc by itself finds no path from the root; DevTools does.',
  },
  {
    name: '<slot>, and what goes in',
    wxml: `<view><slot/><slot name="foot"/></view><c><view slot="{{s}}">1</view><view slot="x">2</view></c>`,
    data: { s: 'q' },
  },
  {
    name: 'model:value',
    wxml: `<input model:value="{{s}}"/><switch model:checked="{{on}}"/><my-c model:val="{{o}}"/>`,
    data: { s: 'v', on: true, o: 1 },
  },
  {
    name: 'data-*',
    wxml: `<view data-a="{{o}}" data-b-c="{{n}}" data-dE="x" data-f-G="y" data-empty="" data-none data-u="{{u}}" data-m="a{{n}}"/>`,
    data: { o: { k: [1] }, n: 3 },
  },
  {
    name: 'class and style as text',
    wxml: `<view class="a {{on ? 'b' : ''}} {{c}}" style="color: {{col}}; width: {{w}}rpx"/><view class="{{u}}" style="{{st}}"/>`,
    data: { on: true, c: 'c', col: 'red', w: 20, st: 'top:1px' },
  },
  {
    name: 'class as an array',
    wxml: `<view class="{{l}}"/>`,
    data: { l: ['x', 'y'] },
    differs: 'wcc gives the array on; WeChat’s framework makes the text of it, with spaces.',
  },
  {
    name: 'style as an object',
    wxml: `<view style="{{o}}"/>`,
    data: { o: { color: 'red' } },
    differs:
      'wcc gives the object on; WeChat’s framework makes the text [object Object]. A style has no effect with either.',
  },
  {
    name: 'numbers, texts, null and undefined in text',
    wxml: `<view>{{n}}|{{z}}|{{neg}}|{{nul}}|{{u}}|{{t}}|{{f}}|{{nan}}|{{o}}|{{l}}|{{e}}|{{el}}|{{big}}</view><view>{{nul}}</view><view>{{u}}</view>`,
    data: {
      n: 1.5,
      z: 0,
      neg: -1,
      nul: null,
      t: true,
      f: false,
      nan: Number.NaN,
      o: { a: 1 },
      l: [1, [2, 3]],
      e: '',
      el: [],
      big: 1234567890123,
    },
  },
  {
    name: 'numbers, texts, null and undefined in attributes',
    wxml: `<view a="{{nul}}" b="{{u}}" c="{{z}}" d="{{f}}" e="{{o}}" f="1" g="{{1}}" h="{{1}}{{2}}" i="{{1 + 1}}px" j="a{{nul}}" k="{{u}}b"/>`,
    data: { nul: null, z: 0, f: false, o: { p: 1 } },
  },
  { name: 'nothing in braces', wxml: `<view>{{ }}</view><view>{{}}</view><view></view>` },
  { name: 'unicode', wxml: `<view title="微信 “引号”">你好，{{x}} 😀</view>`, data: { x: '世界👩‍👩‍👧' } },
  {
    name: 'comments',
    wxml: `<!-- a <view> {{x}} --><view><!-- b -->t<!----></view><!-- \n multi --><text>a<!-- c -->b</text>`,
  },
  {
    name: 'entities are text',
    wxml: `<view a="&lt;b&gt; &amp; &quot;">&lt;{{a && b}}&amp; &nbsp; {{'&lt;'}}</view>`,
    data: { a: 1, b: 2 },
  },
  {
    name: 'escapes in text',
    wxml: `<text>a\\nb\\tc</text><view t="a b">x\\ny {{s}} \\n</view>`,
    data: { s: 'q' },
  },
  {
    name: 'escapes that wcc gets wrong',
    wxml: `<text>{{'\\u0041'}}|c\\\\d</text>`,
    differs: 'wcc prints \\u0041 and \\x5c as they are; WeChat’s framework prints A and \\\\.',
  },
  {
    name: 'quotes',
    wxml: `<view a='single "in"' b="{{'x'}}" c='{{"z"}}'/><view class='{{a ? "p" : "q"}}'/>`,
    data: { a: 1 },
  },
  {
    name: 'operators',
    wxml: `<view>{{a + b}} {{a - b}} {{a * b}} {{a / b}} {{a % b}} {{a > b}} {{a === b}} {{a != b}} {{!a}} {{-a}} {{a && b}} {{a || b}} {{c ? a : b}} {{(a + b) * 2}} {{s + a}} {{1 + 2 + '3'}} {{'5' * 2}} {{7 / 0}} {{a ? 'x' : b ? 'y' : 'z'}}</view>`,
    data: { a: 5, b: 2, c: 0, s: 's' },
  },
  {
    name: 'members, and members of what is not there',
    wxml: `<view>{{o.a.b}} {{o['a'].b}} {{l[0]}} {{l[i].x}} {{o[k]}} {{o.none.deep}} {{l.length}} {{s[0]}} {{l[l.length - 1].x}}</view><view>{{x.b.c}}{{x.b.c || 'none'}}{{l[5].x}}</view>`,
    data: { o: { a: { b: 1 }, k2: 2 }, l: [{ x: 1 }, { x: 2 }], i: 1, k: 'k2', s: 'abc' },
  },
  {
    name: 'literals',
    wxml: `<view a="{{[1, 2, x]}}" b="{{ {p: 1, q: x} }}" c="{{[]}}" e="{{true}}" f="{{null}}" g="{{undefined}}" i="{{.5}}" k="{{'str'}}"/><view wx:for="{{[1, 'b', x]}}" wx:key="*this">{{item}}</view>`,
    data: { x: 'X' },
  },
  {
    name: 'wx:for over whatever there is',
    wxml: `<view wx:for="{{o}}" wx:key="*this">{{index}}={{item}}</view><view wx:for="{{3}}" wx:key="*this">{{item}}</view><view wx:for="{{s}}" wx:key="*this">{{item}}</view><view wx:for="{{u}}">never</view><view wx:for="abc">{{item}}</view>`,
    data: { o: { a: 1, b: 2 }, s: 'hi' },
  },
  {
    name: 'wx:for in wx:for',
    wxml: `<view wx:for="{{rows}}" wx:for-item="row" wx:for-index="r" wx:key="id"><text wx:for="{{row.cells}}" wx:for-item="cell" wx:key="*this" data-r="{{r}}" data-c="{{index}}">{{r}}.{{index}}={{cell}} {{row.id}}</text></view>`,
    data: {
      rows: [
        { id: 'A', cells: [1, 2] },
        { id: 'B', cells: [3] },
      ],
    },
  },
  {
    name: 'wx:for hides data of the same name',
    wxml: `<view wx:for="{{l}}" wx:key="*this"><text wx:for="{{item}}" wx:key="*this">{{item}}{{index}}</text>{{index}}</view><view>{{item}}{{index}}</view>`,
    data: { l: [['a', 'b'], ['c']], item: 'I', index: 'X' },
  },
  {
    name: 'events',
    wxml: `<view bindtap="a" bind:touchstart="b" catch:longpress="d" capture-bind:tap="e" capture-catch:touchend="f" mut-bind:tap="g" bindmyevent="{{h}}"/>`,
    data: { h: 'handler' },
  },
  {
    name: 'attributes without a value, and texts that look like values',
    wxml: `<input disabled/><input disabled="false"/><input disabled="{{false}}" focus="{{f}}" maxlength="10" value="{{10}}" placeholder="p{{x}}"/><scroll-view scroll-y enable-flex></scroll-view>`,
    data: { f: false, x: 1 },
  },
  { name: 'spaces in attributes', wxml: `<view a=" x {{v}} " c = "spaced" d="{{ v }}"/>`, data: { v: 'V' } },
  {
    name: 'new lines in attributes',
    wxml: `<view a="one\n  two"/>`,
    differs: 'wcc refuses the file; WeChat’s framework keeps the lines.',
  },
  {
    name: 'an exponent',
    wxml: `<view a="{{1e3}}"/>`,
    differs: 'wcc refuses the file; WeChat’s framework knows the number.',
  },
  {
    name: 'a spread in an array',
    wxml: `<view wx:for="{{[...l, 9]}}" wx:key="*this">{{item}}</view>`,
    data: { l: [7, 8] },
    differs: 'wcc refuses the file; WeChat’s framework knows it.',
  },
  { name: 'braces that are none', wxml: `<view>{ {{a}} } {{a}}{{b}}</view>`, data: { a: 1, b: 2 } },
  {
    name: 'tags that close themselves',
    wxml: `<view/><text></text><image src="a.png"/><view><view/></view>`,
  },
  { name: 'id and name', wxml: `<view id="a{{n}}" name="x"/><view mark:id="{{n}}">t</view>`, data: { n: 1 } },
]
