import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { z } from 'zod';

const kinds: Readonly<Record<string, { prototype: { validate(): void } }>> = {
  'apps/v1 Deployment': Deployment,
  'autoscaling/v2 HorizontalPodAutoscaler': HorizontalPodAutoscaler,
  'batch/v1 Job': Job,
  'monitoring.coreos.com/v1 ServiceMonitor': ServiceMonitor,
  'networking.k8s.io/v1 Ingress': Ingress,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'v1 Namespace': Namespace,
  'v1 Service': Service,
};

const resource = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/**
 * Holds one resource against the schema of its kind.
 *
 * @throws Error that names what is wrong, a field that the schema does not have, or a kind that is not known here.
 */
export function assertValidResource(manifest: unknown): void {
  const { apiVersion, kind } = resource.parse(manifest);
  const model = kinds[`${apiVersion} ${kind}`];
  if (model === undefined) throw new Error(`no schema of ${apiVersion} ${kind}`);
  const unread = new Set<string>();
  model.prototype.validate.call(watched(manifest, kind, unread));
  if (unread.size > 0) throw new Error(`unknown fields: ${[...unread].join(', ')}`);
}

/**
 * A view of a value that notes the paths of the fields that nobody has read. The schemas let unknown fields pass, which a
 * cluster refuses or drops; the compiled validators read every field that they know.
 */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const pathOf = (key: string | symbol): string => `${path}.${String(key)}`;
  for (const key of Object.keys(value)) unread.add(pathOf(key));
  return new Proxy(value, {
    get(target, key) {
      unread.delete(pathOf(key));
      return watched(Reflect.get(target, key), pathOf(key), unread);
    },
  });
}
