import { type DescMessage, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { EntrySchema, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import {
  CommandSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
  EventSchema,
  SendSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import {
  AttachRequestSchema,
  AttachResponseSchema,
  BridgeFrameSchema,
  ConnectionFrameSchema,
} from '../../gen/parley/node/v1/bridge_pb.ts';
import { jsonOf, sample } from './sample.ts';

/** One message as it must be on the wire for ever. */
export interface Golden {
  /** `Command.send`, `Entry.recalled`, …: the message whose cases are gone through, and the case. */
  readonly name: string;
  /** What `json` and `hex` are. */
  readonly type: string;
  readonly json: JsonObject;
  readonly hex: string;
}

/** Messages with a oneof, one golden for each of its cases; those that travel in a frame, in that frame. */
const families: readonly {
  readonly of: DescMessage;
  readonly frame?: DescMessage;
  readonly field?: string;
}[] = [
  { of: CommandSchema, frame: ConnectRequestSchema, field: 'commands' },
  { of: EventSchema, frame: ConnectResponseSchema, field: 'events' },
  { of: SendSchema },
  { of: EntrySchema },
  { of: MessageBodySchema },
  { of: BridgeFrameSchema, frame: AttachRequestSchema, field: 'frames' },
  { of: ConnectionFrameSchema, frame: AttachResponseSchema, field: 'frames' },
];

export const schemas: ReadonlyMap<string, DescMessage> = new Map(
  families.map(({ of, frame }) => [(frame ?? of).typeName, frame ?? of]),
);

/** The goldens as the contract and protobuf-es have them now. */
export function currentGoldens(): Golden[] {
  return families.flatMap(({ of, frame, field }) =>
    of.oneofs[0]!.fields.map(({ localName }) => {
      const desc = frame ?? of;
      const message = sample(of, localName);
      const whole = field === undefined ? message : { ...sample(desc), [field]: [message] };
      return {
        name: `${of.name}.${localName}`,
        type: desc.typeName,
        json: jsonOf(desc, whole),
        hex: Buffer.from(toBinary(desc, whole)).toString('hex'),
      };
    }),
  );
}
