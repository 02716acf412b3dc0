import { expect, test } from 'vitest';
import { isMetadataAddress } from './metadata-address.ts';

test.each([
  'http://169.254.169.254/v1',
  'http://169.254.170.2',
  'http://0xa9.0xfe.0xa9.0xfe',
  'http://2852039166/latest',
  'http://169.254.43518/',
  'http://[::ffff:169.254.169.254]',
  'http://[fe80::1]:8080',
  'http://[fd00:ec2::254]/v1',
  'https://Metadata.Google.Internal./v1',
])('%s hands out credentials', (url) => {
  expect(isMetadataAddress(url)).toBe(true);
});

test.each([
  'http://127.0.0.1:11434/v1',
  'http://10.0.0.8/v1',
  'http://[fd12::1]/v1',
  'http://ollama:11434/v1',
  'https://api.openai.com/v1',
  'http://169.254.169.254.example.com',
])('%s does not', (url) => {
  expect(isMetadataAddress(url)).toBe(false);
});
