// For tools that do not read the `exports` of package.json.
module.exports = require('./dist/core.js')
