import { createDecipheriv, createECDH, type ECDH, hkdfSync } from 'node:crypto';

/** What a browser subscribes with. */
export interface BrowserKeys {
  readonly curve: ECDH;
  readonly auth: Buffer;
}

const tagBytes = 16;

/**
 * What a browser makes of a pushed body, by RFC 8291 and RFC 8188 and with nothing of the library that sealed it. Throws
 * for what was sealed for another, or has been touched.
 */
export function openWebPush(body: Buffer, { curve, auth }: BrowserKeys): string {
  const salt = body.subarray(0, 16);
  const recordBytes = body.readUInt32BE(16);
  const keyBytes = body.readUInt8(20);
  const sender = body.subarray(21, 21 + keyBytes);
  if (keyBytes !== 65 || recordBytes < 18) throw new Error('no header of aes128gcm');
  const derive = (ikm: Uint8Array, by: Uint8Array, info: Buffer | string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', ikm, by, info, bytes));
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), sender]);
  const ikm = derive(curve.computeSecret(sender), auth, info, 32);
  const key = derive(ikm, salt, 'Content-Encoding: aes128gcm\0', 16);
  const nonce = derive(ikm, salt, 'Content-Encoding: nonce\0', 12);
  const plain: Buffer[] = [];
  for (let at = 21 + keyBytes, no = 0; at < body.byteLength; at += recordBytes, no += 1) {
    const record = body.subarray(at, at + recordBytes);
    const iv = Buffer.from(nonce);
    iv.writeUInt32BE((iv.readUInt32BE(8) ^ no) >>> 0, 8);
    const decipher = createDecipheriv('aes-128-gcm', key, iv);
    decipher.setAuthTag(record.subarray(record.byteLength - tagBytes));
    const text = record.subarray(0, record.byteLength - tagBytes);
    const padded = Buffer.concat([decipher.update(text), decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    const last = at + recordBytes >= body.byteLength;
    if (padded[end] !== (last ? 2 : 1)) throw new Error('no delimiter');
    plain.push(padded.subarray(0, end));
  }
  return Buffer.concat(plain).toString();
}

export function browserKeys(auth: Buffer, privateKey?: Buffer): BrowserKeys {
  const curve = createECDH('prime256v1');
  if (privateKey === undefined) curve.generateKeys();
  else curve.setPrivateKey(privateKey);
  return { curve, auth };
}
