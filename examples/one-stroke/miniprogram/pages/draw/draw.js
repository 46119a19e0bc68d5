const { newId } = require('../../model/ids')
const { createPainter } = require('../../model/painter')
const { PAPER, createSketch } = require('../../model/sketch')
const { confirmRemoval } = require('../removal')

const { gallery } = getApp().studio

const COLORS = ['#23252b', '#c92a2a', '#e8890c', '#2b8a3e', '#3b5bdb', '#862e9c']
const WIDTHS = [8, 18, 40]

Page({
  data: {
    colors: COLORS,
    widths: WIDTHS,
    color: COLORS[0],
    width: WIDTHS[1],
    isBlank: true,
  },

  onLoad({ id }) {
    this.id = id || newId()
    this.sketch = createSketch(id ? gallery.strokes(id) : [])
    this.setData({ isBlank: this.sketch.strokes().length === 0 })
  },

  /** The canvas exists from here on. */
  onReady() {
    wx.createSelectorQuery()
      .select('#paper')
      .fields({ node: true, size: true })
      .exec(([{ node, width }]) => {
        this.unit = PAPER.width / width
        this.painter = createPainter(node, Math.round(width * wx.getWindowInfo().pixelRatio))
        this.painter.paintAll(this.sketch.strokes())
      })
  },

  /** Everything drawn is in the phone's storage by now. */
  onUnload() {
    gallery.save()
  },

  /** With one finger: what a second one does is nothing. */
  startStroke({ touches }) {
    if (touches.length > 1 || !this.painter) return
    const { color, width } = this.data
    const [{ x, y }] = touches
    this.painter.paintEnd(this.sketch.begin({ color, width }, x * this.unit, y * this.unit))
    if (this.data.isBlank) this.setData({ isBlank: false })
  },

  moveStroke({ touches }) {
    const [{ x, y }] = touches
    const stroke = this.sketch.extend(x * this.unit, y * this.unit)
    if (stroke) this.painter.paintEnd(stroke)
  },

  endStroke() {
    if (!this.sketch.end()) return
    this.painter.paintAll(this.sketch.strokes())
    this.keep()
  },

  undo() {
    this.sketch.undo()
    this.painter?.paintAll(this.sketch.strokes())
    this.setData({ isBlank: this.sketch.strokes().length === 0 })
    this.keep()
  },

  keep() {
    try {
      gallery.keep(this.id, this.sketch.strokes())
    } catch (_error) {
      wx.showToast({ title: '手机存储满了，这一笔没存下来', icon: 'none' })
    }
  },

  chooseColor({ currentTarget }) {
    this.setData({ color: currentTarget.dataset.color })
  },

  chooseWidth({ currentTarget }) {
    this.setData({ width: currentTarget.dataset.width })
  },

  askToRemove() {
    confirmRemoval(() => {
      gallery.remove(this.id)
      wx.navigateBack()
    })
  },

  /** Nobody has to wait for a network: the drawing is safe, and the gallery shows what becomes of it. */
  async done() {
    wx.navigateBack()
    const isSaved = await gallery.save()
    if (isSaved) wx.showToast({ title: '已保存' })
    else wx.showToast({ title: '先存在手机里，连上后自动保存', icon: 'none' })
  },
})
