const aSecond = (count: number) => ({ burst: count, everyMs: 1000 / count })

/** How fast the networks take what is sent, as Meta documents it. WhatsApp: to one person one in six seconds, of which 45 may be sent ahead. */
export const sendRates = {
  whatsapp: { chat: { burst: 45, everyMs: 6000 }, account: aSecond(80) },
  messenger: { account: aSecond(300), files: aSecond(10) },
  instagram: { account: aSecond(100), files: aSecond(10) },
}
