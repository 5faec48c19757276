import { type Client, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON, loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { type ReflectionStream, paced } from './reflection.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { create, fromBinary } from '@bufbuild/protobuf';
import { type SendRequest, SendResponseSchema } from '../../gen/parley/chat/v1/message_pb.ts';
import { ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { openDoor } from './door-fixture.ts';

/**
 * A foreign client: from here on nothing of the contract comes from this project. All it knows is the reflection
 * protocol, written down here as any tool would have it.
 */
function reflectionDefinition(version: 'v1' | 'v1alpha') {
  const text = { type: 'string' };
  const types = {
    ServerReflection: {
      methods: {
        ServerReflectionInfo: {
          requestType: 'ServerReflectionRequest',
          requestStream: true,
          responseType: 'ServerReflectionResponse',
          responseStream: true,
        },
      },
    },
    ServerReflectionRequest: {
      fields: {
        host: { ...text, id: 1 },
        fileByFilename: { ...text, id: 3 },
        fileContainingSymbol: { ...text, id: 4 },
        listServices: { ...text, id: 7 },
      },
      oneofs: { messageRequest: { oneof: ['fileByFilename', 'fileContainingSymbol', 'listServices'] } },
    },
    ServerReflectionResponse: {
      fields: {
        fileDescriptorResponse: { type: 'FileDescriptorResponse', id: 4 },
        listServicesResponse: { type: 'ListServiceResponse', id: 6 },
        errorResponse: { type: 'ErrorResponse', id: 7 },
      },
    },
    FileDescriptorResponse: { fields: { fileDescriptorProto: { rule: 'repeated', type: 'bytes', id: 1 } } },
    ListServiceResponse: { fields: { service: { rule: 'repeated', type: 'ServiceResponse', id: 1 } } },
    ServiceResponse: { fields: { name: { ...text, id: 1 } } },
    ErrorResponse: { fields: { errorCode: { type: 'int32', id: 1 }, errorMessage: { ...text, id: 2 } } },
  };
  const inPackage = (path: readonly string[]): object =>
    path.length === 0 ? types : { [path[0] as string]: { nested: inPackage(path.slice(1)) } };
  return fromJSON({ nested: inPackage(['grpc', 'reflection', version]) as never }, {});
}

interface ReflectionAnswer {
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
  listServicesResponse?: { service: { name: string }[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}

async function openReflection(version: 'v1' | 'v1alpha') {
  const fixture = await openDoor({
    answer: (rpc, request) => {
      assert.equal(rpc, 'parley.chat.v1.MessageService/Send');
      const { send } = request as SendRequest;
      assert.deepEqual([send?.target.value, send?.body?.content.value], ['lobby', 'hi']);
      return create(SendResponseSchema, { sent: { convId: 'lobby', seq: 7n } });
    },
  });
  const clientFor = (service: ServiceClientConstructor) =>
    new service('unused', {} as never, { channelOverride: fixture.client().getChannel() });
  const serviceName = `grpc.reflection.${version}.ServerReflection`;
  const definition = loadPackageDefinition({ S: reflectionDefinition(version)[serviceName] as never });
  const reflection = clientFor(definition.S as ServiceClientConstructor) as unknown as {
    ServerReflectionInfo(): ReturnType<Client['makeBidiStreamRequest']>;
  };
  const stream = reflection.ServerReflectionInfo();
  stream.on('error', () => {});
  const ask = async (question: object): Promise<ReflectionAnswer> => {
    stream.write(question);
    return ((await once(stream, 'data')) as [ReflectionAnswer])[0];
  };
  return { fixture, ask, stream, clientFor };
}

/** A FileDescriptorSet is repeated field 1: each file with a tag and a length in front. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(
    files.flatMap((file) => {
      const length: number[] = [];
      for (let rest = file.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      return [Buffer.from([10, ...length]), file];
    }),
  );
}

for (const version of ['v1', 'v1alpha'] as const) {
  test(`a client that knows nothing but reflection ${version} lists, learns, sends and connects`, async () => {
    const { fixture, ask, stream, clientFor } = await openReflection(version);
    await using _ = fixture;
    const listed = (await ask({ listServices: '*' })).listServicesResponse;
    const names = listed?.service.map(({ name }) => name) ?? [];
    assert.ok(names.includes('parley.chat.v1.MessageService'), String(names));
    assert.ok(names.includes('parley.chat.v1.SessionService'));
    assert.ok(names.includes('grpc.health.v1.Health'));

    const files = new Map<string, Buffer>();
    for (const symbol of ['parley.chat.v1.MessageService', 'parley.chat.v1.SessionService']) {
      const answer = await ask({ fileContainingSymbol: symbol });
      for (const file of answer.fileDescriptorResponse?.fileDescriptorProto ?? [])
        files.set(String(file), file);
    }
    const learned = loadFileDescriptorSetFromBuffer(descriptorSet([...files.values()]), { longs: Number });
    const contract = loadPackageDefinition(learned) as unknown as {
      parley: { chat: { v1: Record<string, ServiceClientConstructor> } };
    };
    const { MessageService, SessionService } = contract.parley.chat.v1;
    assert.ok(MessageService && SessionService);

    const messages = clientFor(MessageService);
    const response = await new Promise((resolve, reject) =>
      (messages.Send as (request: object, reply: (error: Error | null, response: unknown) => void) => void)(
        { send: { conv_id: 'lobby', client_id: 'c1', body: { text: 'hi' } } },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      ),
    );
    assert.deepEqual((response as { sent: { seq: number } }).sent.seq, 7);

    const sessions = clientFor(SessionService);
    const session = (sessions.Connect as () => ReturnType<Client['makeBidiStreamRequest']>)();
    session.on('error', () => {});
    const heard = new Promise<Uint8Array>((resolve) => {
      fixture.sessions.onData = (_session, frame) => resolve(frame);
    });
    session.write({ commands: [{ id: 1, hello: { device_id: 'd1', protocol_version: 1, user_id: 'ann' } }] });
    const [command] = fromBinary(ConnectRequestSchema, await heard).commands;
    assert.equal(command?.command.case === 'hello' && command.command.value.userId, 'ann');
    session.cancel();
    stream.cancel();
  });
}

test('a name that does not exist is an answer, not a crash', async () => {
  const { fixture, ask, stream } = await openReflection('v1');
  await using _ = fixture;
  for (const symbol of ['no.such.Service', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
    const { errorResponse, fileDescriptorResponse } = await ask({ fileContainingSymbol: symbol });
    assert.ok(
      errorResponse || fileDescriptorResponse?.fileDescriptorProto.every((file) => file.length === 0),
      symbol,
    );
  }
  assert.equal((await ask({ fileByFilename: '../../package.json' })).errorResponse?.errorCode, 5);
  stream.cancel();
});

test('a client that asks and reads nothing is not answered without end', async () => {
  const client = new Duplex({ objectMode: true, highWaterMark: 4, read() {}, write() {} });
  let answers = 0;
  const handlers = paced({
    ServerReflectionInfo: (stream: ReflectionStream) => {
      stream.on('data', () => {
        answers++;
        stream.write({});
      });
    },
  });
  (handlers.ServerReflectionInfo as (stream: unknown) => void)(client);
  for (let i = 0; i < 100; i++) client.push({});
  await new Promise(setImmediate);
  assert.equal(answers, 4);
  assert.equal(client.isPaused(), true);
});
