import { avroCodec, type AvroCodec } from './avro/codec.js';
import {
  awardEventSchema,
  deadLetterSchema,
  formerSchemas,
  outcomeRecordedSchema,
  personProfileSchema,
  titleHoldersSchema,
  titleRulesSchema,
  titleTierSchema,
  undeliveredSchema,
  usageProjectedSchema,
  usageRecordedSchema,
  usageStoredSchema,
} from './generated/schemas.js';
import type {
  AwardEvent,
  DeadLetter,
  OutcomeRecorded,
  PersonProfile,
  TitleHolders,
  TitleRules,
  TitleTier,
  Undelivered,
  UsageProjected,
  UsageRecorded,
  UsageStored,
} from './generated/types.js';

const codecOf = <T>(schema: { readonly name: string }): AvroCodec<T> =>
  avroCodec<T>(schema, formerSchemas[schema.name]);

/** One codec per topic's record; the schema files are the only source of their shapes. */
export const usageRecorded = codecOf<UsageRecorded>(usageRecordedSchema);
export const outcomeRecorded = codecOf<OutcomeRecorded>(outcomeRecordedSchema);
export const usageStored = codecOf<UsageStored>(usageStoredSchema);
export const usageProjected = codecOf<UsageProjected>(usageProjectedSchema);
export const awardEvent = codecOf<AwardEvent>(awardEventSchema);
export const titleHolders = codecOf<TitleHolders>(titleHoldersSchema);
export const titleTier = codecOf<TitleTier>(titleTierSchema);
export const titleRules = codecOf<TitleRules>(titleRulesSchema);
export const undelivered = codecOf<Undelivered>(undeliveredSchema);
export const personProfile = codecOf<PersonProfile>(personProfileSchema);
export const deadLetter = codecOf<DeadLetter>(deadLetterSchema);
