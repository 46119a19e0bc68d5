module.exports = [
  ['/members', 'members'],
  ['/:name', 'routes/others'],
]
