import { type CampaignResult, runCampaign } from './run-campaign.ts'
export const runSoak = (options: Parameters<typeof runCampaign>[0]): Promise<CampaignResult> =>
  runCampaign({ ...options, striking: false })
