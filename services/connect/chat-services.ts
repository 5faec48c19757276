import type { DescMethodUnary, DescService } from '@bufbuild/protobuf';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { AuditService } from '../../gen/parley/chat/v1/audit_pb.ts';
import { ClusterService } from '../../gen/parley/chat/v1/cluster_pb.ts';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { DeadLetterService } from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { IdService } from '../../gen/parley/chat/v1/id_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';

const services: readonly DescService[] = [
  MessageService,
  ConversationService,
  GroupService,
  PresenceService,
  DeviceService,
  AdminService,
  ClusterService,
  DeadLetterService,
  AuditService,
  IdService,
];

/** Every unary call of the chat services. */
export const unaryMethods: readonly DescMethodUnary[] = services
  .flatMap((service) => service.methods)
  .filter((method): method is DescMethodUnary => method.methodKind === 'unary');

/** How a UnaryHost names a method. */
export function rpcName(method: DescMethodUnary): string {
  return `${method.parent.typeName}/${method.name}`;
}
