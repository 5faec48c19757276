import type { ConvId, Seq } from '../core/ids.ts';
import type { AudienceFrame, AudienceNo } from '../peer/edge-frames.ts';
import type { OwnerLink } from './owner-links.ts';
import { isDismissal } from './rooms.ts';

/** An owner that doesn't say who hears of a room is asked again after this time, and then ever less often. */
const askAgainMs = 1_000;
const mostWaitMs = 10_000;
/** How often an owner that has said that nobody hears is asked again: it may only be letting go. */
const repeatsOfDismissed = 2;

interface Question {
  /** Who has named the audience, and by which number. */
  readonly owner: OwnerLink;
  readonly audience: AudienceNo;
  readonly convId: ConvId;
  /** The first entry of which it is not known who hears it. */
  from: Seq;
  /** How often it was asked again. */
  repeats: number;
  /** The owner has said since that it lets go, or that nobody here hears: what comes from it now is a new matter. */
  dismissed: boolean;
  repeatsLeft: number;
  /** Who was asked last, since the one that has named it did not answer. */
  askedNow: OwnerLink | undefined;
}

/**
 * What message nodes were asked about audiences that they have named and this edge does not know: who hears, and from
 * which entry on it is to be forwarded again. Asked once, whatever else comes meanwhile, and again for as long as nobody
 * answers, for the owner's store may not: perhaps nothing comes after that entry which would bring it up again.
 */
export class AudienceQuestions {
  readonly #byOwner = new Map<OwnerLink, Map<AudienceNo, Question>>();
  readonly #byConversation = new Map<ConvId, Set<Question>>();
  readonly #ownerOf: (convId: ConvId) => OwnerLink | undefined;

  /** `ownerOf`: whoever owns a conversation as this edge sees it. */
  constructor(ownerOf: (convId: ConvId) => OwnerLink | undefined) {
    this.#ownerOf = ownerOf;
  }

  ask(owner: OwnerLink, audience: AudienceNo, { convId, seq }: { convId: ConvId; seq: Seq }): void {
    const waiting = this.#byOwner.get(owner)?.get(audience);
    const from = Math.min(seq, waiting?.from ?? seq);
    if (waiting !== undefined && !waiting.dismissed) {
      waiting.from = from;
      return;
    }
    if (waiting !== undefined) this.#settle(waiting);
    const question: Question = {
      owner,
      audience,
      convId,
      from,
      repeats: 0,
      dismissed: false,
      repeatsLeft: repeatsOfDismissed,
      askedNow: undefined,
    };
    this.#keep(question);
    owner.messages.send({ t: 'audienceUnknown', audience, convId, seq: from });
    this.#repeat(question);
  }

  /** A change is no answer, and neither is what begins behind the entry that was asked for: what lies between would stay untold. */
  heard(owner: OwnerLink, frame: AudienceFrame): void {
    if (!frame.whole) return;
    for (const question of this.#byConversation.get(frame.convId) ?? []) {
      const isNamer = question.owner === owner && question.audience === frame.audience;
      if (!isNamer && question.askedNow !== owner) continue;
      if (!isDismissal(frame)) {
        if (frame.nextSeq <= question.from) this.#settle(question);
      } else if (isNamer) question.dismissed = true;
      // Who lets go says the same as one who owns it and finds that nobody hears.
      else if (this.#ownerOf(frame.convId) === owner) this.#settle(question);
    }
  }

  /** Whether an entry has come from this owner of which it is not known yet who hears it. */
  open(owner: OwnerLink): boolean {
    return this.#byOwner.has(owner);
  }

  forget(owner: OwnerLink): void {
    for (const question of [...(this.#byOwner.get(owner)?.values() ?? [])]) this.#settle(question);
  }

  clear(): void {
    this.#byOwner.clear();
    this.#byConversation.clear();
  }

  #keep(question: Question): void {
    const { owner, audience, convId } = question;
    const asked = this.#byOwner.get(owner) ?? new Map<AudienceNo, Question>();
    this.#byOwner.set(owner, asked.set(audience, question));
    const about = this.#byConversation.get(convId) ?? new Set<Question>();
    this.#byConversation.set(convId, about.add(question));
  }

  #settle(question: Question): void {
    const { owner, audience, convId } = question;
    const asked = this.#byOwner.get(owner);
    if (asked?.get(audience) === question) asked.delete(audience);
    if (asked?.size === 0) this.#byOwner.delete(owner);
    const about = this.#byConversation.get(convId);
    about?.delete(question);
    if (about?.size === 0) this.#byConversation.delete(convId);
  }

  #repeat(question: Question): void {
    const waitMs = Math.min(askAgainMs * Math.max(1, question.repeats), mostWaitMs);
    setTimeout(() => {
      const { owner, audience, convId, from } = question;
      // What was forgotten with its owner, or with the epoch, is not asked again.
      if (this.#byOwner.get(owner)?.get(audience) !== question) return;
      // Who does not answer may have let go of the conversation: whoever has it now knows of the entry, too.
      const now = this.#ownerOf(convId);
      if (question.dismissed && now === owner) {
        if (question.repeatsLeft === 0) {
          this.#settle(question);
          return;
        }
        question.repeatsLeft -= 1;
      }
      question.repeats += 1;
      question.askedNow = now;
      now?.messages.send({ t: 'audienceUnknown', audience: 0, convId, seq: from });
      this.#repeat(question);
    }, waitMs).unref();
  }
}
