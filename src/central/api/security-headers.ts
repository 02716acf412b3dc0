import helmet from '@fastify/helmet';
import type { ZodApp } from '../../platform/http/zod-app.ts';

/**
 * What browsers may do with the page and with what central answers: load scripts, styles and data from here alone, and be
 * framed by nobody. Whether only https will do is for the proxy to say that has a certificate.
 */
export function registerSecurityHeaders(app: ZodApp): void {
  void app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
}
