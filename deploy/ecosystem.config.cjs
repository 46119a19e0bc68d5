// `pm2 start deploy/ecosystem.config.cjs` from the top of the repository, after `npm run build` and
// `npm run build --workspace one-stroke-server`. `pm2 reload one-stroke` restarts the processes one by one.
const { join } = require('node:path')

module.exports = {
  apps: [
    {
      name: 'one-stroke',
      cwd: join(__dirname, '..'),
      script: 'examples/one-stroke/server/dist/main.js',
      exec_mode: 'cluster',
      instances: 2,
      // Each has a port of its own (3000, 3001), so that nginx knows them apart.
      increment_var: 'PORT',
      env: {
        NODE_ENV: 'production',
        PORT: 3000,
        TRUST_PROXY: 1,
        // REDIS_URL, WEAPP_ID and WEAPP_SECRET come from the shell that starts pm2, and so do MONGO_URL or DATA_DIR:
        // secrets have no place in this file.
      },
      // A new process takes over when it says that it listens, not before.
      wait_ready: true,
      listen_timeout: 10_000,
      // Until an old one is killed. It needs 10 s at most to finish what it has begun.
      kill_timeout: 15_000,
      shutdown_with_message: true,
      // One that cannot start (a setting is missing, say) is not started for ever.
      max_restarts: 10,
      min_uptime: 2000,
      exp_backoff_restart_delay: 100,
    },
  ],
}
