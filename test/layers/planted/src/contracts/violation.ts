// A word that knows a service: the layer rules must refuse it.
export { somePolicy } from '../router/select/violation.ts';
