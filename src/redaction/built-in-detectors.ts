import { cardDetector } from "./detectors/card.ts";
import type { Detector } from "./detectors/detector.ts";
import { emailDetector } from "./detectors/email.ts";
import { ibanDetector } from "./detectors/iban.ts";
import { ipDetector } from "./detectors/ip.ts";
import { phoneDetector } from "./detectors/phone.ts";
import { secretDetector } from "./detectors/secret.ts";
import { ssnDetector } from "./detectors/ssn.ts";

export const BUILT_IN_DETECTORS: readonly Detector[] = [
  secretDetector,
  emailDetector,
  ibanDetector,
  cardDetector,
  ipDetector,
  ssnDetector,
  phoneDetector,
];
