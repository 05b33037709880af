import { avroCodec } from './avro/codec.js';
import {
  awardEventSchema,
  deadLetterSchema,
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

/** One codec per topic's record; the schema files are the only source of their shapes. */
export const usageRecorded = avroCodec<UsageRecorded>(usageRecordedSchema);
export const outcomeRecorded = avroCodec<OutcomeRecorded>(outcomeRecordedSchema);
export const usageStored = avroCodec<UsageStored>(usageStoredSchema);
export const usageProjected = avroCodec<UsageProjected>(usageProjectedSchema);
export const awardEvent = avroCodec<AwardEvent>(awardEventSchema);
export const titleHolders = avroCodec<TitleHolders>(titleHoldersSchema);
export const titleTier = avroCodec<TitleTier>(titleTierSchema);
export const titleRules = avroCodec<TitleRules>(titleRulesSchema);
export const undelivered = avroCodec<Undelivered>(undeliveredSchema);
export const personProfile = avroCodec<PersonProfile>(personProfileSchema);
export const deadLetter = avroCodec<DeadLetter>(deadLetterSchema);
