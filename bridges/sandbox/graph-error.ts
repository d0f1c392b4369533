import { createTraceId } from './ids.ts'

/** An error of the Graph API as data: HTTP status, code, subcode and the words of the documentation. */
export interface ErrorSpec {
  status: number
  code: number
  subcode?: number
  type?: string
  message: string
  details?: string
}

export const graphErrors = {
  noToken: { status: 400, code: 104, message: 'An access token is required to request this resource.' },
  badToken: { status: 401, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' },
  expiredToken: { status: 401, code: 190, subcode: 463, message: 'Error validating access token: Session has expired.' },
  revokedToken: {
    status: 401,
    code: 190,
    subcode: 460,
    message: 'Error validating access token: The session has been invalidated.',
  },
  noPermission: { status: 403, code: 10, message: '(#10) Application does not have permission for this action' },
  unknownPath: { status: 400, code: 2500, message: 'Unknown path components' },
  badJson: { status: 400, code: 100, message: '(#100) Invalid parameter' },
  serverError: { status: 500, code: 2, message: 'Service temporarily unavailable' },
  whatsappWindow: {
    status: 400,
    code: 131047,
    message: '(#131047) Re-engagement message',
    details: 'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  whatsappUndeliverable: { status: 400, code: 131026, message: '(#131026) Message undeliverable', details: 'Message Undeliverable.' },
  whatsappPairRate: {
    status: 400,
    code: 131056,
    message: '(#131056) (Business Account, Consumer Account) pair rate limit hit',
    details:
      'Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time.',
  },
  whatsappRate: {
    status: 400,
    code: 130429,
    message: '(#130429) Rate limit hit',
    details: 'Cloud API message throughput has been reached.',
  },
  whatsappUnsupported: {
    status: 501,
    code: 131051,
    message: '(#131051) Unsupported message type',
    details: 'Message type is not currently supported.',
  },
  whatsappNoMedia: {
    status: 400,
    code: 131009,
    message: '(#131009) Parameter value is not valid',
    details: 'The media id is not valid or has expired.',
  },
  whatsappUpload: {
    status: 400,
    code: 131053,
    message: '(#131053) Media upload error',
    details: 'Unable to upload the media used in the message: its type or size is not supported, or it could not be fetched.',
  },
  whatsappToSelf: { status: 400, code: 131021, message: '(#131021) Recipient cannot be sender', details: 'Recipient cannot be sender' },
  whatsappNoTemplate: {
    status: 404,
    code: 132001,
    message: '(#132001) Template name does not exist in the translation',
    details: 'The template does not exist in this language, or it has not been approved.',
  },
  whatsappTemplateValues: {
    status: 400,
    code: 132000,
    message: '(#132000) Number of parameters does not match the expected number of params',
    details: 'The number of localizable_params does not match the expected number of params.',
  },
  whatsappTemplatePaused: {
    status: 400,
    code: 132015,
    message: '(#132015) Template is Paused',
    details: 'The template is paused due to its low quality, so it cannot be sent.',
  },
  messagingWindow: {
    status: 400,
    code: 10,
    subcode: 2018278,
    message: '(#10) This message is sent outside of allowed window.',
  },
  messagingNoUser: { status: 400, code: 100, subcode: 2018001, message: '(#100) No matching user found' },
  messagingUnavailable: { status: 400, code: 551, subcode: 1545041, message: "(#551) This person isn't available right now." },
  messagingUpload: { status: 400, code: 100, subcode: 2018047, message: '(#100) Upload attachment failure.' },
  messagingFetch: { status: 400, code: 100, subcode: 2018008, message: '(#100) Failed to fetch the file from the url.' },
  messagingNoAttachment: { status: 400, code: 100, subcode: 2018074, message: '(#100) Invalid attachment id: it does not exist.' },
  messagingRate: { status: 400, code: 613, message: '(#613) Calls to this api have exceeded the rate limit.' },
} as const satisfies Record<string, ErrorSpec>

/** Whether what came from outside can be answered as an error. */
export function isErrorSpec(value: unknown): value is ErrorSpec {
  const { status, code, message } = (value ?? {}) as Partial<ErrorSpec>
  return Number.isInteger(status) && status! >= 400 && status! <= 599 && Number.isInteger(code) && typeof message === 'string'
}

/** A parameter the API refuses, in its own words. */
export function parameterError(details: string, whatsapp: boolean): ErrorSpec {
  return whatsapp
    ? { status: 400, code: 100, message: '(#100) Invalid parameter', details }
    : { status: 400, code: 100, message: `(#100) ${details}` }
}

/** An object that does not exist, or that this token may not see. */
export function unknownObject(method: string, id: string): ErrorSpec {
  const message =
    `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, ` +
    'or does not support this operation.'
  return { status: 400, code: 100, subcode: 33, type: 'GraphMethodException', message }
}

/** The body that goes over the wire. */
export function errorBody(spec: ErrorSpec): { error: Record<string, unknown> } {
  const { message, type = 'OAuthException', code, subcode, details } = spec
  return {
    error: {
      message,
      type,
      code,
      ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      fbtrace_id: createTraceId(),
    },
  }
}
