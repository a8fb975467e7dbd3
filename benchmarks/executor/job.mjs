// oxlint-disable-next-line import/no-default-export -- what piscina and tinypool call
export default function (n) {
  return n + 1
}
