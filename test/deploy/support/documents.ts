import { parseAllDocuments } from 'yaml';

/** A Kubernetes object, as far as tests look at it. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly spec?: Spec;
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
  readonly automountServiceAccountToken?: boolean;
}
export type Labels = Readonly<Record<string, string>>;

interface Spec {
  readonly replicas?: number;
  readonly selector?: { readonly matchLabels?: Labels } & Labels;
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly serviceName?: string;
  readonly jobLabel?: string;
  readonly endpoints?: readonly { readonly scheme?: string }[];
  readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
  readonly metrics?: readonly {
    readonly pods?: { readonly metric: { readonly name: string } };
    readonly resource?: unknown;
  }[];
  readonly ports?: readonly { readonly port: number; readonly targetPort: string }[];
  readonly ingress?: readonly {
    readonly ports: readonly { readonly port: string }[];
    readonly from?: readonly unknown[];
  }[];
  readonly template?: Template;
}

export interface Template {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly terminationGracePeriodSeconds: number;
    readonly automountServiceAccountToken: boolean;
    readonly securityContext: {
      readonly runAsNonRoot: boolean;
      readonly seccompProfile: { readonly type: string };
    };
    readonly topologySpreadConstraints: readonly { readonly topologyKey: string }[];
    readonly volumes: readonly { readonly name: string }[];
    readonly containers: readonly [Container];
  };
}

export interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly drop: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly resources: { readonly requests?: Labels; readonly limits?: Labels };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
}

/** The objects of a text of several YAML documents. Throws at whatever a strict parser does not take. */
export function manifests(text: string): Manifest[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true })
    .map((document) => {
      const [problem] = [...document.errors, ...document.warnings];
      if (problem !== undefined) throw problem;
      return document.toJS() as Manifest | null;
    })
    .filter((object) => object !== null);
}

/** Whether a selector with these labels takes an object with those. */
export function selects(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([name, value]) => labels?.[name] === value);
}
