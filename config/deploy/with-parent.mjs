// Loaded into each process that `npm start` starts: when the one that watches over it is gone, it drains and ends too.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()
