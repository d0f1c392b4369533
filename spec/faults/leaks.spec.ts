import { describeLeaks } from '../trips/leak-story.ts'

describeLeaks({ title: 'chats in rooms of their own, on PostgreSQL', hub: false, postgres: true })
