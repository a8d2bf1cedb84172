import { describe, expect, it } from 'vitest';
import { asFatalPictureError, asPictureError } from '../../../src/media/pictures/picture-error.ts';

describe('what is said of a picture that cannot be decoded', () => {
  it('the error for a picture has the first line of libvips, cut, without control characters', () => {
    const { code, message } = asPictureError(new Error(`bad \x1b[2J${'scan'.repeat(90)}\nsecond line`));
    expect(code).toBe('MEDIA_UNDECODABLE');
    expect(message).toMatch(/^the image cannot be decoded: bad \[2J(?:scan)+/);
    expect(message.length).toBeLessThan(240);
  });

  it.each(['VipsJpeg: Insufficient memory (case 4)', 'vips_malloc: out of memory -- size == 240MB'])(
    'the error for a picture that got no memory says that it is too large: %s',
    (words) => {
      expect(asPictureError(new Error(words))).toMatchObject({
        code: 'MEDIA_TOO_LARGE',
        message: 'the image needs more than 512 MiB to decode',
      });
      expect(asFatalPictureError('was killed by SIGABRT', words).code).toBe('MEDIA_TOO_LARGE');
    },
  );

  it('the error for a picture that ended its process says how it ended', () => {
    expect(asFatalPictureError('was killed by SIGSEGV', '')).toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the image cannot be decoded: the process that tried was killed by SIGSEGV',
    });
  });
});
