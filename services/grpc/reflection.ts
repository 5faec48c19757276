import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server, ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { chatServices } from './chat-services.ts';
import { healthDescriptors, healthServiceName } from './health.ts';

/** grpc.reflection.v1 and v1alpha: tools like grpcurl learn the contract from the server itself. */
export function addReflection(server: Server): void {
  const files = new Set<DescFile>();
  for (const service of chatServices) collect(service.file, files);
  const descriptors = [...files].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  // Of a loaded package it reads the descriptors alone.
  const definition = { contract: { fileDescriptorProtos: [...descriptors, ...healthDescriptors] } };
  const reflection = new ReflectionService(
    definition as unknown as ConstructorParameters<typeof ReflectionService>[0],
    { services: [...chatServices.map((service) => service.typeName), healthServiceName] },
  );
  reflection.addToServer({
    addService: (service, handlers) => server.addService(service, paced(handlers)),
  });
}

/** A file and all that it imports. */
function collect(file: DescFile, into: Set<DescFile>): void {
  if (into.has(file)) return;
  into.add(file);
  for (const dependency of file.dependencies) collect(dependency, into);
}

export type ReflectionStream = ServerDuplexStream<unknown, unknown>;

/** The library answers as fast as it is asked: a client that asks and never reads would fill the memory. */
export function paced(handlers: UntypedServiceImplementation): UntypedServiceImplementation {
  const answer = handlers.ServerReflectionInfo as (stream: ReflectionStream) => void;
  return {
    ServerReflectionInfo: (stream: ReflectionStream) => {
      const write = stream.write.bind(stream) as (message: unknown) => boolean;
      stream.write = ((message: unknown) => {
        const more = write(message);
        if (!more) {
          stream.pause();
          stream.once('drain', () => stream.resume());
        }
        return more;
      }) as typeof stream.write;
      answer(stream);
    },
  };
}
