export const SHELVES = [
  {
    id: 'fruit',
    name: '水果',
    goods: [
      { id: 'apple', name: '苹果', cents: 350, tags: ['脆', '甜'] },
      { id: 'pear', name: '梨', cents: 275, tags: [] },
    ],
  },
  { id: 'tea', name: '茶', goods: [{ id: 'green', name: '绿茶', cents: 4800, tags: ['新'] }] },
]

export const find = (id) => SHELVES.flatMap(({ goods }) => goods).find((one) => one.id === id)
