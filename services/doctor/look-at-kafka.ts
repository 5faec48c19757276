import type { KafkaSettings } from '../adapters/kafka/kafka-client.ts';
import { type KafkaSurvey, surveyKafka } from '../adapters/kafka/survey.ts';
import { type Finding, Findings } from './finding.ts';

const lagWarning = 10_000;

/** Kafka: whether it is there, and keeps events on more than one broker. */
export async function lookAtKafka(settings: KafkaSettings): Promise<readonly Finding[]> {
  const findings = new Findings('kafka');
  try {
    judgeKafka(await surveyKafka(settings), settings, findings);
  } catch (error) {
    const message = reasonOf(error).replace(/\.+$/, '');
    const advice =
      'Start the brokers, and see that PARLEY_KAFKA_BROKERS names them and that this machine may reach them. Messages go on without them; pushes come late.';
    findings.error(`Kafka can't be used: ${message}.`, advice);
  }
  return findings.all;
}

/** The library's own error says how often it tried; what was in the way is behind it. */
function reasonOf(error: unknown): string {
  const { message, errors = [], cause } = error as Error & { readonly errors?: readonly Error[] };
  const behind = errors.at(-1) ?? cause;
  return behind instanceof Error ? reasonOf(behind) : message;
}

/** What a survey means. */
export function judgeKafka(
  survey: KafkaSurvey,
  settings: Pick<KafkaSettings, 'partitions'>,
  findings: Findings,
): void {
  const { brokers, topic, partitions, lags } = survey;
  findings.ok(`Kafka answers, with ${brokers} broker${brokers === 1 ? '' : 's'}.`);
  if (partitions === undefined) {
    findings.warning(`There is no topic ${topic} yet.`, 'The first message node that starts makes it.');
    return;
  }
  const leaderless = partitions.filter(({ led }) => !led).length;
  const behind = partitions.filter(({ replicas, inSync }) => inSync < replicas).length;
  const single = partitions.filter(({ replicas }) => replicas === 1).length;
  if (leaderless > 0)
    findings.error(
      `${leaderless} of ${partitions.length} partitions of ${topic} have no leader: their events wait.`,
      'Start the brokers that are missing.',
    );
  if (behind > 0)
    findings.warning(
      `${behind} of ${partitions.length} partitions of ${topic} have replicas that are not in sync.`,
      'Start the brokers that are missing, or look at their disks and network.',
    );
  if (single > 0 && brokers > 1)
    findings.warning(
      `${topic} has one replica: a broker that is lost takes events along.`,
      'Reassign its partitions to 3 replicas (kafka-reassign-partitions); PARLEY_KAFKA_REPLICAS is for topics yet to be made.',
    );
  if (partitions.length < settings.partitions)
    findings.warning(
      `${topic} has ${partitions.length} partitions, PARLEY_KAFKA_PARTITIONS says ${settings.partitions}.`,
      'Add partitions while little is going on: conversations move, and their order is not kept for a while.',
    );
  if (leaderless + behind === 0) findings.ok(`${topic} is whole: ${partitions.length} partitions.`);
  for (const [group, lag] of lags) {
    if (lag > lagWarning)
      findings.warning(
        `${group} is ${lag} events behind.`,
        'See whether its receiver answers (`parley admin dead-letters list`), or start more push nodes.',
      );
    else findings.ok(`${group} is ${lag} events behind.`);
  }
}
