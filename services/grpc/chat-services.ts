import type { DescService } from '@bufbuild/protobuf';
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
import { SessionService } from '../../gen/parley/chat/v1/session_pb.ts';

export { SessionService };

/** The services whose calls are unary, all of them. */
export const unaryServices: readonly DescService[] = [
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

export const chatServices: readonly DescService[] = [SessionService, ...unaryServices];
