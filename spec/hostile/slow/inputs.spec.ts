import { specifyHostileInputs } from '../../support/hostile-suite.ts'
import { engines } from '../../support/server.ts'

for (const engine of engines) specifyHostileInputs(engine, 3)
