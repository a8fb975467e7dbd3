export async function drawTimelines(): Promise<void> {}
