import {
  BadRequestException,
  HttpException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';

/** multer's codes for what the client did wrong, but for the size of a file. */
const BAD_UPLOADS = new Set([
  'LIMIT_PART_COUNT',
  'LIMIT_FILE_COUNT',
  'LIMIT_FIELD_KEY',
  'LIMIT_FIELD_VALUE',
  'LIMIT_FIELD_COUNT',
  'LIMIT_UNEXPECTED_FILE',
  'LIMIT_FIELD_NESTING',
  'LIMIT_FIELD_ARRAY_INDEX',
  'MISSING_FIELD_NAME',
  'INVALID_FIELD_NAME',
]);

/** What busboy says of a malformed body; it gives no codes. */
const MALFORMED_PARTS = new Set([
  'Malformed part header',
  'Unexpected end of form',
  'Unexpected end of file',
]);

/** What multer says when the client leaves before its files have arrived. */
const LEFT_UPLOADS = new Set(['Request aborted', 'Request closed']);

/**
 * An error of multer as the exception that Nest answers: 413 for a file that is too large, 415
 * for another content type, 400 for anything else that the client did wrong.
 *
 * @internal
 */
export function uploadException(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof HttpException) return error;
  const { code, field, message } = error as Error & { code?: string; field?: string };
  // Nest 11 leaves the description out where there are options.
  const options = (description: string) => ({ cause: error, description });
  const refuse = (text: string) => new BadRequestException(text, options('Bad Request'));
  if (code === 'LIMIT_FILE_SIZE') {
    return new PayloadTooLargeException(message, options('Payload Too Large'));
  }
  if (code !== undefined && BAD_UPLOADS.has(code)) {
    return refuse(field ? `${message} - ${field}` : message);
  }
  if (message === 'Multipart: Boundary not found') return refuse(message);
  // Nobody gets the answer, but what is no HttpException Nest would log as the application's error.
  if (LEFT_UPLOADS.has(message)) return refuse(message);
  if (MALFORMED_PARTS.has(message)) return refuse(`Multipart: ${message}`);
  if (message.startsWith('Unsupported content type')) {
    return new UnsupportedMediaTypeException(
      'Unsupported content type',
      options('Unsupported Media Type'),
    );
  }
  return error;
}
