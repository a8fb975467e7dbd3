export function increment(n: number): number {
  return n + 1
}
export function burn(rounds: number): number {
  let x = 1
  for (let i = 0; i < rounds; i++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648
  return x
}
