import { describeLeaks } from './leak-story.ts'

describeLeaks({ title: 'a shared room, on SQLite', hub: true, postgres: false })
