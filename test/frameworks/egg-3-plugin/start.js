/** What `egg-scripts start` does, in this process. */
require('egg').startCluster({ baseDir: __dirname, workers: 1, port: Number(process.env.PORT) })
