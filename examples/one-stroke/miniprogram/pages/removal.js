/**
 * Asks before a drawing is deleted.
 *
 * @param {() => void} remove called when the user says yes
 */
function confirmRemoval(remove) {
  wx.showModal({
    title: '删除这幅画？',
    content: '删除后无法恢复。',
    confirmText: '删除',
    confirmColor: '#c92a2a',
    success: ({ confirm }) => {
      if (confirm) remove()
    },
  })
}

module.exports = { confirmRemoval }
