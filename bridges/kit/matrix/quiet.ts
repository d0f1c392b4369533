/** Imported before matrix-appservice-bridge: its older dependencies use what Node has deprecated, which is nothing a reader of our log could act on. */
process.noDeprecation = true
