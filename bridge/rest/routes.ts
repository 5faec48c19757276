import { ackMessages } from './ack-messages.ts';
import { addMembers } from './add-members.ts';
import { allocateIds } from './allocate-ids.ts';
import { createGroup } from './create-group.ts';
import { getConversation } from './get-conversation.ts';
import { getDirect } from './get-direct.ts';
import { getGroup } from './get-group.ts';
import { getMessage } from './get-message.ts';
import { getPresence } from './get-presence.ts';
import { getPushInfo } from './get-push-info.ts';
import { getPushSettings } from './get-push-settings.ts';
import { isOnline } from './is-online.ts';
import { issueToken } from './issue-token.ts';
import { leaveGroup } from './leave-group.ts';
import { listConversations } from './list-conversations.ts';
import { listDevices } from './list-devices.ts';
import { listMembers } from './list-members.ts';
import { listMessages } from './list-messages.ts';
import { markRead } from './mark-read.ts';
import { recallMessage } from './recall-message.ts';
import { registerDevice } from './register-device.ts';
import { removeDevice } from './remove-device.ts';
import { removeMember } from './remove-member.ts';
import { renameGroup } from './rename-group.ts';
import { revokeTokens } from './revoke-tokens.ts';
import { sendBatch } from './send-batch.ts';
import { sendMessage } from './send-message.ts';
import { setPushSettings } from './set-push-settings.ts';
import { setRole } from './set-role.ts';
import { silenceConversation } from './silence-conversation.ts';
import type { Route } from './route.ts';

/** Every REST route. */
export const routes: readonly Route[] = [
  sendMessage,
  sendBatch,
  ackMessages,
  listConversations,
  getConversation,
  getDirect,
  listMessages,
  getMessage,
  recallMessage,
  markRead,
  createGroup,
  getGroup,
  renameGroup,
  listMembers,
  addMembers,
  removeMember,
  setRole,
  leaveGroup,
  silenceConversation,
  getPushInfo,
  getPushSettings,
  setPushSettings,
  listDevices,
  registerDevice,
  removeDevice,
  getPresence,
  isOnline,
  issueToken,
  revokeTokens,
  allocateIds,
];
