// lib/plugin/egg-weapp-session/app/middleware/weapp_session.js
module.exports = (_config, app) => app.weappSession
