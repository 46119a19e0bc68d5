import test from 'ava'
import { compileWxml } from '../../examples/one-stroke/web/server/wxml.js'

type Data = Record<string, unknown>

/** What a template gives for some data, as text. */
async function rendered(wxml: string, data: Data = {}): Promise<string> {
  const url = `data:text/javascript,${encodeURIComponent(compileWxml(wxml))}`
  const { render } = (await import(url)) as { render(data: Data, tools: object): unknown[] }
  const h = (tag: string, { attributes = {} }: { attributes?: Data }, children: unknown[]) => {
    const text = Object.entries(attributes).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    return `<${tag}${text.join('')}>${children.flat().join('')}</${tag}>`
  }
  const each = <Item>(list: Item[], node: (item: Item, index: number) => unknown) => list.map(node)
  const text = (value: unknown) => String(value ?? '')
  return render(data, { h, each, text }).flat().join('')
}

test('wxml: expressions see the data, and a lone one keeps its type', async (t) => {
  const data = { me: { name: 'x' }, isOn: true, name: 'no' }
  t.is(
    await rendered(`<view class="a {{isOn ? 'on' : ''}}" on="{{isOn}}">{{me.name}}!{{nothing}}</view>`, data),
    '<view class="a on" on=true>x!</view>',
  )
})

test('wxml: one of wx:if, wx:elif and wx:else is rendered', async (t) => {
  const wxml = `
    <a wx:if="{{n > 1}}"/>
    <b wx:elif="{{n === 1}}"/>
    <c wx:else/>
    <d/>`
  t.is(await rendered(wxml, { n: 2 }), '<a></a><d></d>')
  t.is(await rendered(wxml, { n: 1 }), '<b></b><d></d>')
  t.is(await rendered(wxml, { n: 0 }), '<c></c><d></d>')
})

test('wxml: wx:for names its items, also in loops within loops', async (t) => {
  const wxml = `
    <row wx:for="{{rows}}" wx:for-item="row" wx:for-index="y">
      <cell wx:for="{{row.cells}}">{{y}}{{index}}{{item}}{{item === best ? '!' : ''}}</cell>
    </row>`
  t.is(
    await rendered(wxml, { rows: [{ cells: ['a', 'b'] }], best: 'b' }),
    '<row><cell>00a</cell><cell>01b!</cell></row>',
  )
})

test('wxml: comments and what is in quotes are no tags', async (t) => {
  t.is(await rendered(`<!-- <a> --><b x="{{ 1 > 0 ? '>' : '<' }}">t</b>`), '<b x=">">t</b>')
})

test('wxml: a template that is broken is an error that says where', (t) => {
  for (const [wxml, message] of [
    ['<a><b></a>', /<\/a> closes <b>/],
    ['<a>', /<a> is never closed/],
    ['</a>', /<\/a> closes/],
    ['<a wx:else/>', /wx:else without wx:if/],
    ['1 < 2', /begins no tag/],
  ] as const) {
    t.throws(() => compileWxml(wxml), { instanceOf: SyntaxError, message }, wxml)
  }
})
