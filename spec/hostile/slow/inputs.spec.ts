import { specifyHostileInputs } from '../../support/hostile/suite.ts'
import { specifyThousands } from '../../support/hostile/thousands.ts'

specifyThousands('sqlite', 2000)
specifyHostileInputs('postgres', 5)
