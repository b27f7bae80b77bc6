const path = require('path')

const dir = path.join(__dirname)

process.env.NODE_ENV = 'production'
process.chdir(__dirname)

require('framework')
const { startServer } = require('framework/dist/start-server')

startServer({ dir })
