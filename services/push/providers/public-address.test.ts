import assert from 'node:assert/strict';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { isPublicAddress, lookupPublic, privateAddressCode } from './public-address.ts';

const notPublic = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.255'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.1.1', '198.18.0.1'],
  ...['198.19.255.255', '224.0.0.1', '239.1.1.1', '255.255.255.255', '240.0.0.1'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    'fe80::1',
    'fc00::1',
    'fd12::1',
    'ff02::1',
  ],
  ...[
    '2001:db8::1',
    '2002:7f00:1::',
    '2001::1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
  ],
  ...['', 'localhost', 'fe80::1%eth0', '1.2.3'],
];

const everybodys = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
  ...[
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.20.0.0',
    '223.255.255.255',
  ],
  ...['2606:4700::1111', '2a00:1450:4001::200e', '64:ff9b::8.8.8.8'],
];

it('an address is everybody’s or not', () => {
  for (const address of notPublic) assert.ok(!isPublicAddress(address), address);
  for (const address of everybodys) assert.ok(isPublicAddress(address), address);
});

it('a name that leads to this machine is not resolved', async () => {
  const lookup = promisify(lookupPublic);
  for (const options of [{}, { all: true }]) {
    await assert.rejects(lookup('localhost', options), { code: privateAddressCode });
  }
  await assert.rejects(lookup('no-such-host.invalid', { all: true }), (error: NodeJS.ErrnoException) => {
    // Which of the two depends on whether there is anybody to ask.
    return error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN';
  });
});

it('an address that is everybody’s is answered in the form that is asked for', async () => {
  const address = await new Promise((resolve, reject) => {
    lookupPublic('8.8.8.8', {}, (error, ...answer) => (error ? reject(error) : resolve(answer)));
  });
  assert.deepEqual(address, ['8.8.8.8', 4]);
  const all = await promisify(lookupPublic)('8.8.8.8', { all: true });
  assert.deepEqual(all, [{ address: '8.8.8.8', family: 4 }]);
});
