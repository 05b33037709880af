/** Rows of one partition of a topic, one after the other. */
export interface PartitionRows {
  readonly partition: number;
  readonly rows: number;
}

/** Of each row its partition; the rows of the first partition come first. */
export function partitionOfEach(partitions: readonly PartitionRows[]): Uint32Array {
  const each = new Uint32Array(partitions.reduce((sum, { rows }) => sum + rows, 0));
  let end = 0;
  for (const { partition, rows } of partitions) each.fill(partition, end, (end += rows));
  return each;
}
