import { describe, expect, it } from 'vitest';
import { isLoopback, maskUri, mongoUri, httpUrl } from '../../src/config/uri.js';

describe('MONGO_URI', () => {
  it.each([
    'mongodb://localhost:27017',
    'mongodb://a:1,b:2,c/?replicaSet=rs0',
    'mongodb://user:p%40ss@db.internal/speechai_db?authSource=admin&w=majority',
    'mongodb+srv://user:pw@cluster0.example.net/?retryWrites=true',
    'mongodb://%2Ftmp%2Fengine.sock',
    'mongodb://%2Fpath%2Fsock',
    'mongodb://[::1]:27017/',
    'embedded',
    'embedded:./data',
    'embedded:/var/lib/with space',
  ])('takes %s', (uri) => expect(mongoUri.parse(uri)).toEqual({ value: uri }));

  it.each([
    '',
    'mongodb://',
    'mongodb:///db',
    'mongodb://user:pw@',
    'mongodb://user:p@ss@host',
    'mongodb://user:p/ss@host',
    'mongodb://user:p%ss@host',
    'mongodb://host:0',
    'mongodb://host:70000',
    'mongodb://host:abc',
    'mongodb://a,,b',
    'mongodb+srv://a,b',
    'mongodb+srv://a:1',
    'mongodb://host/?w',
    'mongodb://ho st',
    'mongodb://host\n',
    'http://host',
    'embedded:',
    'embedded:a\u0000b',
    'localhost:27017',
  ])('refuses %j', (uri) => expect(mongoUri.parse(uri)).toBeNull());

  it.each([
    ['mongodb://ana:hunter22@db:27017/x?authSource=admin', 'mongodb://ana:****@db:27017/x?authSource=admin'],
    ['mongodb://db/?tlsCertificateKeyFilePassword=hunter22&w=1', 'mongodb://db/?tlsCertificateKeyFilePassword=****&w=1'],
    ['mongodb://ana:hunter22@db:nonsense', 'mongodb://****'],
    ['mongodb//ana:hunter22@db', '****'],
    ['hunter22', '****'],
    ['embedded:./data', 'embedded:./data'],
  ])('shows %s as %s', (uri, shown) => expect(maskUri(uri)).toBe(shown));
});

it.each([
  ['http://127.0.0.1:1', true],
  ['http://localhost', true],
  ['http://[::1]:80', true],
  ['http://127.0.0.1.evil.example', false],
  ['https://api.retellai.com', false],
  ['http://10.0.0.1', false],
  ['nonsense', false],
])('%s is on this machine: %s', (url, local) => expect(isLoopback(url)).toBe(local));

it('takes an http address without credentials, and drops trailing slashes', () => {
  expect(httpUrl.parse('http://127.0.0.1:9/')).toEqual({ value: 'http://127.0.0.1:9' });
  for (const wrong of ['ftp://x', 'http://', 'http://u:p@x', 'http://x?key=1', 'x', 'http://x y']) expect(httpUrl.parse(wrong)).toBeNull();
});
