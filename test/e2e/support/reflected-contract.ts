import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { fromJSON, loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';

/** The reflection protocol, as any tool has it: gRPC's own, nothing of this project. */
const reflectionProtocol = {
  nested: {
    grpc: {
      nested: {
        reflection: {
          nested: {
            v1: {
              nested: {
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
                    host: { type: 'string', id: 1 },
                    fileContainingSymbol: { type: 'string', id: 4 },
                    listServices: { type: 'string', id: 7 },
                  },
                  oneofs: { messageRequest: { oneof: ['fileContainingSymbol', 'listServices'] } },
                },
                ServerReflectionResponse: {
                  fields: {
                    fileDescriptorResponse: { type: 'FileDescriptorResponse', id: 4 },
                    listServicesResponse: { type: 'ListServiceResponse', id: 6 },
                  },
                },
                FileDescriptorResponse: {
                  fields: { fileDescriptorProto: { rule: 'repeated', type: 'bytes', id: 1 } },
                },
                ListServiceResponse: {
                  fields: { service: { rule: 'repeated', type: 'ServiceResponse', id: 1 } },
                },
                ServiceResponse: { fields: { name: { type: 'string', id: 1 } } },
              },
            },
          },
        },
      },
    },
  },
};

interface ReflectionAnswer {
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
}

/** Clients of every service that a server says it has, made from what it says of them alone. */
export async function reflectedServices(
  address: string,
): Promise<ReadonlyMap<string, ServiceClientConstructor>> {
  const definitions = fromJSON(reflectionProtocol as Parameters<typeof fromJSON>[0], {});
  const loaded = loadPackageDefinition(definitions) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
  const stream = (
    client as unknown as { ServerReflectionInfo(): ClientDuplexStream<object, ReflectionAnswer> }
  ).ServerReflectionInfo();
  const answers = stream[Symbol.asyncIterator]();
  const ask = async (question: object): Promise<ReflectionAnswer> => {
    stream.write(question);
    return (await answers.next()).value as ReflectionAnswer;
  };
  const listed = (await ask({ listServices: '*' })).listServicesResponse?.service ?? [];
  const services = new Map<string, ServiceClientConstructor>();
  for (const { name } of listed) {
    const answer = await ask({ fileContainingSymbol: name });
    const files = answer.fileDescriptorResponse?.fileDescriptorProto ?? [];
    const definition = loadFileDescriptorSetFromBuffer(descriptorSet(files), { longs: Number, oneofs: true });
    const { Service } = loadPackageDefinition({ Service: definition[name] as never });
    services.set(name, Service as ServiceClientConstructor);
  }
  stream.end();
  client.close();
  return services;
}

/** A FileDescriptorSet has its files in field 1: each goes behind a tag and its length. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...varint(file.length)]), file]));
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
