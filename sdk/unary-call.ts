import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';

/** A unary call with the client's credentials, tried again where that may help. */
export type UnaryCall = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
) => Promise<MessageShape<O>>;

/** The same, which makes the request of what it is given. */
export function askBy(call: UnaryCall) {
  return <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
  ): Promise<MessageShape<O>> => call(method, create(method.input, init));
}
