// oxlint-disable-next-line import/no-default-export -- piscina and tinypool call the default export
export default function (n) {
  return n + 1
}
